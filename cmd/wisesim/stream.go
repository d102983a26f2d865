package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// streamEvery is how often is looked for what is new: a person sees no
	// difference, and a storm of requests becomes few messages.
	streamEvery = 250 * time.Millisecond
	// heartbeat keeps proxies and clients from giving up on a silent stream.
	heartbeat = 15 * time.Second
)

// stream sends recorded requests as they arrive, and again when they are answered.
// An event's id is a moment: a client that comes back says where it was.
func (c *console) stream(w http.ResponseWriter, r *http.Request) {
	moment, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	if err != nil {
		moment = c.moment()
		if r.URL.Query().Get("from") == "start" {
			moment = 0
		}
	}
	sendEvents(w, r, func() string {
		changed, now := c.srv.ChangedRequests(moment)
		moment = now
		var events strings.Builder
		for _, request := range changed {
			data, err := json.Marshal(viewRequest(request))
			if err != nil {
				continue
			}
			fmt.Fprintf(&events, "event: request\nid: %d\ndata: %s\n\n", now, data)
		}
		return events.String()
	})
}

// moment is the present one of the recorded requests.
func (c *console) moment() int64 {
	_, now := c.srv.ChangedRequests(math.MaxInt64) // after which nothing has changed
	return now
}

// ticks tells the page that something has changed, and not what: it asks for the
// part that it shows.
func (c *console) ticks(w http.ResponseWriter, r *http.Request) {
	changes, moment := c.changes.Load(), int64(-1)
	sendEvents(w, r, func() string {
		now, ours := c.moment(), c.changes.Load()
		if now == moment && ours == changes {
			return ""
		}
		changes, moment = ours, now
		return "data: changed\n\n"
	})
}

// sendEvents asks next every streamEvery for events, until the client leaves.
func sendEvents(w http.ResponseWriter, r *http.Request, next func() string) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	ticker := time.NewTicker(streamEvery)
	defer ticker.Stop()
	send := func(events string) bool {
		_, err := fmt.Fprint(w, events)
		return err == nil && out.Flush() == nil
	}
	if !send(": hello\n\n") {
		return
	}
	for silent := time.Now(); ; {
		events := next()
		if events == "" && time.Since(silent) > heartbeat {
			events = ": still here\n\n"
		}
		if events != "" {
			if !send(events) {
				return
			}
			silent = time.Now()
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		}
	}
}
