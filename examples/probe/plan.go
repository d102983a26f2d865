package main

import (
	"fmt"
	"strings"
)

// plan says what is done at Wise, before it is done.
func plan(s settings) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("What this does to user %d at %s:", s.user, s.baseURL)
	say("- reads: the list of devices, profiles, FaceTec's key, the playground for sealing")
	say("- starts up to three sessions; their one-time tokens expire by themselves")
	say("- ends here if the user has a PIN or a device, or if a session asks for a factor")
	say("- sets a PIN, gives a wrong one once and the right one after it, and deletes it")
	say("- registers devices up to the limit, ten at most, and deletes them")
	if s.phone != "" {
		say("- adds the phone number of -phone, tries to add one that is invalid, and deletes what was added")
	}
	if s.protectedPath != "" {
		say("- sends the GET of -protected once, which makes a one-time token")
	}
	if s.refreshTokenFile != "" {
		say("- renews the user's tokens, which ends the access token of before; a new refresh token is written to the file of -refresh-token")
	}
	say("What was created is removed again, also after a failure or an interrupt.")
	return b.String()
}
