package usersecuritytest

import (
	"sync/atomic"
	"time"
)

// clock tells the simulator's time, which runs as the machine's does, and which
// tests move ahead. Waits are not its affair: they take the time they take.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }
