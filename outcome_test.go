package usersecurity_test

import (
	"cmp"
	"errors"
	"net/http"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// A later 404 of a delete means that an earlier attempt has done it, if one may
// have.
func TestLater404OfDelete(t *testing.T) {
	t.Parallel()
	for _, r := range rowsOf(aDelete) {
		for _, test := range []struct {
			name string
			step step
			done bool
		}{
			{"lost", lost, true},
			{"408", answers(408, ""), true},
			{"500", answers(500, ""), true},
			{"502", answers(502, ""), true},
			{"503", answers(503, ""), true},
			{"504", answers(504, ""), true},
			{"refused", refused, false},
			{"429", answers(429, ""), false},
		} {
			scripted(t, string(r.op)+"/"+test.name, func(t *testing.T) {
				wise := play(t, test.step, answers(404, `{"errors":[{"code":"x"},{"code":"`+r.codes[404]+`"}]}`))
				var meta usersecurity.Meta
				_, err := r.call(t.Context(), newClient(t, wise), usersecurity.WithMeta(&meta))
				if test.done {
					if err != nil {
						t.Error(err)
					}
				} else {
					checkMatches(t, "the error", err, cmp.Or(r.answers[404], usersecurity.ErrNotFound))
				}
				if wise.count() != 2 || meta.Attempts != 2 || meta.StatusCode != http.StatusNotFound {
					t.Errorf("%d requests, meta %+v", wise.count(), meta)
				}
			})
		}
	}
}

// A refusal of what is there already, after an attempt that may have been carried out,
// is uncertain.
func TestUncertainRefusal(t *testing.T) {
	t.Parallel()
	for _, r := range rowsOf(aSetOnce) {
		for _, test := range []struct {
			name      string
			steps     []step
			uncertain bool
		}{
			{"at once", nil, false},
			{"refused", []step{refused}, false},
			{"429", []step{answers(429, "")}, false},
			{"lost", []step{lost}, true},
			{"500", []step{answers(500, "")}, true},
			{"503", []step{answers(503, "")}, true},
			{"lost, refused", []step{lost, refused}, true},
			{"504, 429", []step{answers(504, ""), answers(429, "")}, true},
		} {
			scripted(t, string(r.op)+"/"+test.name, func(t *testing.T) {
				status, want := r.refusal()
				wise := play(t, append(test.steps, r.itself(status))...)
				_, err := r.call(t.Context(), newClient(t, wise))
				checkMatches(t, "the error", err, want)
				var api *usersecurity.APIError
				if !errors.As(err, &api) || api.Uncertain != test.uncertain || api.Attempts != len(test.steps)+1 || wise.count() != api.Attempts {
					t.Errorf("%d requests, error %v", wise.count(), err)
				}
			})
		}
	}
}
