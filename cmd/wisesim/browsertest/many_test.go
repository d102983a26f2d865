package browsertest

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// many sends requests on a few connections side by side.
func (s *sim) many(n int) {
	s.t.Helper()
	const connections = 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for range n / connections {
				resp, err := client.Get(s.url + "/v1/users/1001/partner-device-fingerprints")
				if err != nil {
					s.t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
	group.Wait()
}

// The page holds as much as it shows, however many requests are recorded and
// while many more come.
func TestTenThousandRequests(t *testing.T) {
	s := start(t)
	for id := 2001; id < 2200; id++ {
		s.api("POST", "users", fmt.Sprintf(`{"id":%d,"pin":"0417"}`, id))
	}
	s.many(10_000)
	began := time.Now()
	b := open(t, desktop, s.url+"/_sim/")
	b.until(`document.querySelectorAll("#requests li").length === 50`)
	t.Logf("loaded in %v", time.Since(began))
	size := eval[int](b, `performance.getEntriesByType("navigation")[0].encodedBodySize`)
	elements := eval[int](b, `document.querySelectorAll("*").length`)
	t.Logf("%d bytes, %d elements", size, elements)
	if size > 200_000 || elements > 4_000 {
		t.Errorf("the page is %d bytes, %d elements", size, elements)
	}
	for page := range 3 {
		began = time.Now()
		first := 10_000 - 50*(page+1)
		b.press("older")
		b.until(fmt.Sprintf(`document.getElementById("request-%d") !== null`, first))
		b.until(`document.activeElement.id === "requests-heading"`)
		t.Logf("older requests in %v", time.Since(began))
	}
	b.press("newest")
	b.until(`document.getElementById("request-10000") !== null`)
	b.press("more-users")
	b.until(`document.getElementById("user-2020") !== null && document.querySelectorAll("#users article").length === 20`)

	fetches := `performance.getEntriesByType("resource").filter(e => e.initiatorType === "fetch").length`
	before := eval[int](b, fetches)
	s.many(4_000)
	b.until(`document.getElementById("request-14000") !== null`)
	after := eval[int](b, fetches)
	t.Logf("the page was fetched %d times while 4,000 requests came", after-before)
	if after-before > 400 {
		t.Errorf("the page was fetched %d times for 4,000 requests", after-before)
	}
	if got := eval[int](b, `document.querySelectorAll("#requests li").length`); got != 50 {
		t.Errorf("%d requests are shown", got)
	}
	b.mustBeQuiet()
}
