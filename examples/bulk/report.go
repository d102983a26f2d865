package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// The exit codes; the head of main.go says what they mean.
const (
	exitAll = iota
	exitFailed
	exitUsage
	exitNotAll
	exitUnfinished
)

// report says how it stands with the customers of a file.
type report struct {
	counts        map[state]int
	before        int // of those that are done: by runs before this one
	notDone, open []string
}

func newReport(j *journal, customers []customer, before int) report {
	r := report{counts: map[state]int{}, before: before}
	for _, c := range customers {
		s := j.standing(c.profile)
		r.counts[s.state]++
		line := fmt.Sprintf("  user %d, profile %d: %s", c.profile.User, c.profile.ID, s.why)
		switch s.state {
		case notDone:
			r.notDone = append(r.notDone, line)
		case unknown:
			r.open = append(r.open, line)
		}
	}
	return r
}

func (r report) print(out io.Writer, took time.Duration) {
	fmt.Fprintf(out, "%d customers are done (%d of them before), %d are not done, %d unknown, %d still to come. This run took %s.\n",
		r.counts[done], r.before, r.counts[notDone], r.counts[unknown], r.toCome(), took.Round(10*time.Millisecond))
	if len(r.notDone) > 0 {
		fmt.Fprintf(out, "\nNot done; what has passed by since, -again tries again:\n%s\n", strings.Join(r.notDone, "\n"))
	}
	if len(r.open) > 0 {
		fmt.Fprintf(out, "\nUnknown:\n%s\n\n%s\n", strings.Join(r.open, "\n"), advice)
	}
}

// toCome counts those whose call was begun, too: the next run asks again for them.
func (r report) toCome() int { return r.counts[toCome] + r.counts[begun] }

// exitCode is for whoever has started the program.
func (r report) exitCode() int {
	switch {
	case r.toCome() > 0:
		return exitUnfinished
	case r.counts[notDone]+r.counts[unknown] > 0:
		return exitNotAll
	}
	return exitAll
}

func countDone(j *journal, customers []customer) (n int) {
	for _, c := range customers {
		if j.standing(c.profile).state == done {
			n++
		}
	}
	return n
}
