package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/wise-partner/usersecurity"
)

// entry is a line of the journal: one when a customer's call begins, and one when it
// has ended. There is no PIN in it, and nothing that is made of one.
type entry struct {
	Time    time.Time              `json:"time"`
	User    usersecurity.UserID    `json:"user"`
	Profile usersecurity.ProfileID `json:"profile"`
	State   state                  `json:"state"`
	Why     string                 `json:"why,omitempty"`
}

type state string

const (
	toCome  state = "" // there is no line of the customer
	begun   state = "begun"
	done    state = "done"
	notDone state = "not done"
	unknown state = "unknown"
)

// standing is how it stands with a customer.
type standing struct {
	state state
	why   string
	// doubt says that a call before the last one may have done it: this program was
	// killed meanwhile, or the call's outcome is unknown.
	doubt bool
}

func (s standing) after(e entry) standing {
	switch e.State {
	case begun:
		return standing{begun, "", s.doubt || s.state == begun || s.state == unknown}
	case done:
		return standing{state: done}
	}
	return standing{e.State, e.Why, s.doubt}
}

// journal is a file that only grows. It belongs to one process at a time.
type journal struct {
	lock *flock.Flock
	file *os.File

	mu        sync.Mutex
	standings map[usersecurity.Profile]standing
	sent      []time.Time // what runs before have sent in the last minute, as late as it may have been
	lines     int64

	syncing sync.Mutex
	synced  int64 // so many lines are on the disk
}

// openJournal opens the journal, or makes one, and reads how it stands. Its lock is a
// file beside it, which the system releases when the process ends, however it ends.
func openJournal(path string) (*journal, error) {
	lock := flock.New(path + ".lock")
	mine, err := lock.TryLock()
	if err == nil && !mine {
		err = errors.New("another run has it")
	}
	if err != nil {
		return nil, fmt.Errorf("the journal can't be locked: %w", err)
	}
	j := &journal{lock: lock, standings: map[usersecurity.Profile]standing{}}
	if j.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err == nil {
		err = j.read()
	}
	if err != nil {
		return nil, fmt.Errorf("the journal can't be read: %w", errors.Join(err, j.close()))
	}
	return j, nil
}

// read takes in what is there. What was being written when a run was killed is a last
// line without its end: it is cut off, as its call had not begun or was not over.
func (j *journal) read() error {
	whole := int64(0)
	lines := bufio.NewReader(j.file)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		var e entry
		if err := json.Unmarshal(bytes.TrimSpace(line), &e); err != nil || e.User == 0 || e.State == toCome {
			return fmt.Errorf("line %d is none of a journal's", n)
		}
		j.take(e)
		if age := time.Since(e.Time); e.State != begun && age >= 0 && age < time.Minute {
			j.sent = append(j.sent, e.Time)
		}
		whole += int64(len(line))
	}
	for _, s := range j.standings {
		if s.state == begun {
			j.sent = append(j.sent, time.Now())
		}
	}
	return j.file.Truncate(whole)
}

func (j *journal) take(e entry) standing {
	p := usersecurity.Profile{User: e.User, ID: e.Profile}
	s := j.standings[p].after(e)
	j.standings[p] = s
	return s
}

func (j *journal) standing(p usersecurity.Profile) standing {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.standings[p]
}

// begin notes that a call is about to be made. The line is on the disk when begin
// returns, so that the call is known of even if the machine fails.
func (j *journal) begin(p usersecurity.Profile) (standing, error) {
	s, line, err := j.write(entry{time.Now(), p.User, p.ID, begun, ""})
	if err != nil {
		return s, err
	}
	return s, j.sync(line)
}

// end notes how it stands after a call. The line reaches the disk with the next one
// that begins: a machine that fails before has the call in flight, one more of at most
// as many as are made at a time.
func (j *journal) end(p usersecurity.Profile, s state, why string) error {
	_, _, err := j.write(entry{time.Now(), p.User, p.ID, s, why})
	return err
}

func (j *journal) write(e entry) (s standing, line int64, err error) {
	text, err := json.Marshal(e)
	if err != nil {
		return s, 0, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(text, '\n')); err != nil {
		return s, 0, fmt.Errorf("the journal can't be written: %w", err)
	}
	j.lines++
	return j.take(e), j.lines, nil
}

// sync sees to it that a line is on the disk. One sync serves all who wait.
func (j *journal) sync(line int64) error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.synced >= line {
		return nil
	}
	j.mu.Lock()
	lines := j.lines
	j.mu.Unlock()
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("the journal can't be written: %w", err)
	}
	j.synced = lines
	return nil
}

// close leaves the lock's file behind: if it were removed, two runs could have one each.
func (j *journal) close() error {
	var err error
	if j.file != nil {
		err = errors.Join(j.file.Sync(), j.file.Close())
	}
	return errors.Join(err, j.lock.Unlock())
}
