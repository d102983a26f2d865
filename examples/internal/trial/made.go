package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wise-partner/usersecurity"
)

// removalTime is how long removing everything may take.
const removalTime = time.Minute

// Thing is something that a program creates at Wise.
type Thing struct {
	Name   string // "the PIN"
	Remove func(context.Context, ...usersecurity.CallOption) error
}

// Made are the things that were created and not yet removed.
type Made struct{ things []*Thing }

// Add is called when Wise has created the thing.
func (m *Made) Add(t *Thing) { m.things = append(m.things, t) }

// Removed is called when Wise has removed the thing.
func (m *Made) Removed(t *Thing) {
	m.things = slices.DeleteFunc(m.things, func(other *Thing) bool { return other == t })
}

// RemoveAll removes what is left, the newest first, also where ctx has ended: an
// interrupt must not leave anything behind. Its error names what it could not
// remove.
func (m *Made) RemoveAll(ctx context.Context) (removed []string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removalTime)
	defer cancel()
	var failed []error
	for _, t := range slices.Backward(m.things) {
		switch err := t.Remove(ctx); {
		case err == nil, isGone(err):
			removed = append(removed, t.Name)
			m.Removed(t)
		default:
			failed = append(failed, fmt.Errorf("%s was left behind: %w", t.Name, err))
		}
	}
	return removed, errors.Join(failed...)
}

// isGone reports whether Wise says that there is nothing to remove. A plain 404
// doesn't: the endpoint may be what isn't there.
func isGone(err error) bool {
	return errors.Is(err, usersecurity.ErrPinNotSet) ||
		errors.Is(err, usersecurity.ErrFaceMapNotEnrolled) ||
		errors.Is(err, usersecurity.ErrFingerprintNotFound)
}
