package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// askAll asks one question after the other, and removes what is left at the end.
func (p *probe) askAll(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, p.removeAll(ctx)) }()
	for _, part := range []struct {
		what    string
		ask     func(context.Context) error
		skipped bool
	}{
		{"the refresh token", p.askRefresh, p.wise.store == nil},
		{"profiles and versions", p.askVersions, false},
		{"what the user has", p.lookAtUser, false},
		{"sealing", p.askSealing, false},
		{"one-time tokens and FaceTec's key", p.askReads, false},
		{"the PIN of both generations", p.askPins, false},
		{"devices", p.askDevices, false},
		{"phone numbers", p.askPhones, p.phone == ""},
		{"a protected call", p.askProtected, p.protectedPath == ""},
	} {
		if part.skipped {
			continue
		}
		fmt.Fprintln(p.progress, "asking about", part.what)
		if err := part.ask(ctx); err != nil {
			p.summarise()
			return fmt.Errorf("while asking about %s: %w", part.what, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	p.summarise()
	return nil
}

// summarise looks over all that was exchanged.
func (p *probe) summarise() {
	var errorsSeen, first []string
	add := func(list []string, text string) []string {
		if slices.Contains(list, text) {
			return list
		}
		return append(list, text)
	}
	sealed, bodies := false, false
	for _, e := range p.wise.wire.since(0) {
		if e.sealed && e.status >= 400 && !strings.Contains(e.call, playground) { // what goes to the playground is meant to be refused
			errorsSeen = add(errorsSeen, e.String())
			sealed = sealed || strings.Contains(e.body, "JWE (")
			bodies = bodies || e.body != "no body"
		}
		if strings.Contains(e.call, " /v1/user/p") || strings.Contains(e.call, " /v1/users/") || strings.Contains(e.call, " /v1/application/") {
			first = add(first, fmt.Sprintf("%s %d", e.call, e.status))
		}
	}
	switch {
	case !bodies:
		p.saw("sealed-errors", "Are error bodies of sealed calls sealed?", "", "they have none: %s", orNone(errorsSeen))
	case sealed:
		p.saw("sealed-errors", "Are error bodies of sealed calls sealed?", "", "yes: %s", orNone(errorsSeen))
	default:
		p.saw("sealed-errors", "Are error bodies of sealed calls sealed?", "", "no: %s", orNone(errorsSeen))
	}
	p.saw("first-calls", "Which of the first calls does this Wise answer?", "", "%s", orNone(first))
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none was seen"
	}
	return strings.Join(list, "; ")
}
