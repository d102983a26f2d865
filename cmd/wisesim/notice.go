package main

// notice is what is said about what was just done.
type notice struct {
	Text   string
	Wrong  bool
	Reveal string // a secret that was asked for; empty for none
}

// said is what the page says after an action that reveals nothing.
var said = map[string]string{
	"add-user":         "The user is added.",
	"add-business":     "The user has one more profile.",
	"withdraw-tokens":  "The user's access and refresh tokens are void.",
	"expire-tokens":    "All access tokens have expired.",
	"rotate-key":       "Wise has a new key. What is sealed to the old one is answered with 500.",
	"protect":          "The call asks for a challenge now.",
	"unprotect":        "No call is protected any more.",
	"inject":           "The fault is in force.",
	"clear-faults":     "No fault is in force any more.",
	"advance":          "The clock is ahead.",
	"retire":           "The deprecated calls are answered as you chose.",
	"clear-requests":   "The requests are forgotten.",
	"reset":            "All is as it was at first.",
	"save":             "The state is saved.",
	"reveal-secret":    "The partner's client secret:",
	"reveal-token":     "An access token of the user's:",
	"registration":     "A registration code of the user's:",
	"one-time-token":   "A one-time token for the user:",
	"reveal-app-token": "An access token of the partner's:",
}
