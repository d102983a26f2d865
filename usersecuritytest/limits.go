package usersecuritytest

import (
	"strconv"
	"sync"
	"time"
)

// Wise's limits, as they are for a partner who has asked for no others.
const (
	perSecond = 100
	perMinute = 1000
)

// limits count the requests of the partner. Those that are refused don't count.
type limits struct {
	clock *clock

	mu      sync.Mutex
	windows []window // none: nothing is limited
}

// window is a second or a minute of the clock, and what has come in it.
type window struct {
	length time.Duration
	limit  int
	begin  time.Time
	used   int
}

// newLimits multiplies both limits by a factor; 0 is for no limits.
func newLimits(c *clock, factor float64) *limits {
	l := &limits{clock: c}
	if factor > 0 {
		l.windows = []window{
			{length: time.Second, limit: int(perSecond * factor)},
			{length: time.Minute, limit: int(perMinute * factor)},
		}
	}
	return l
}

func (l *limits) enforced() bool { return len(l.windows) > 0 }

// take counts a request, unless it is one too many: then it is refused.
func (l *limits) take() *answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.now()
	for i := range l.windows {
		w := &l.windows[i]
		if begin := now.Truncate(w.length); !begin.Equal(w.begin) {
			w.begin, w.used = begin, 0
		}
	}
	var wait time.Duration
	for _, w := range l.windows {
		if w.used >= w.limit {
			wait = max(wait, w.begin.Add(w.length).Sub(now))
		}
	}
	if wait > 0 {
		a := rateLimited(strconv.Itoa(wholeSeconds(wait)))
		return &a
	}
	for i := range l.windows {
		l.windows[i].used++
	}
	return nil
}

func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
