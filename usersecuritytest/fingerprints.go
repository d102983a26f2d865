package usersecuritytest

import (
	"net/http"
	"slices"
	"time"

	"github.com/wise-partner/usersecurity"
)

// fingerprintRoutes takes the methods that the list is answered to, and the answer
// to one fingerprint too many.
func fingerprintRoutes(u *users, listMethods []string, tooMany answer) []route {
	otherMethods := slices.DeleteFunc([]string{http.MethodGet, http.MethodPost},
		func(method string) bool { return slices.Contains(listMethods, method) })
	return []route{
		{
			operation: usersecurity.OpCreateDeviceFingerprint,
			methods:   []string{http.MethodPost}, path: "/v1/user/partner-device-fingerprints", ended: true,
			token: kindUser, body: sealedBody, reply: settledReply, handle: u.createFingerprint(tooMany),
		},
		{
			operation: usersecurity.OpListDeviceFingerprints,
			methods:   listMethods, refused: otherMethods, path: "/v1/users/{user}/partner-device-fingerprints", ended: true,
			token: kindApplication, grant: true, handle: u.fetchFingerprints,
		},
		{
			operation: usersecurity.OpDeleteDeviceFingerprint,
			methods:   []string{http.MethodDelete}, path: "/v1/users/{user}/partner-device-fingerprints/{fingerprint}", ended: true,
			token: kindApplication, grant: true, handle: u.deleteFingerprint,
		},
		{
			operation: usersecurity.OpSCACreateDeviceFingerprint,
			methods:   []string{http.MethodPost}, path: "/v2/profiles/{profile}/device-fingerprints",
			token: kindUser, body: sealedBody, reply: settledReply, handle: u.createFingerprint(tooMany),
		},
		{
			operation: usersecurity.OpSCADeleteDeviceFingerprint,
			methods:   []string{http.MethodDelete}, path: "/v2/profiles/{profile}/device-fingerprints/{fingerprint}",
			token: kindUser, handle: u.deleteFingerprint,
		},
	}
}

type fingerprintReply struct {
	ID        string `json:"deviceFingerprintId"`
	CreatedAt string `json:"createdAt"`
}

func (f fingerprint) reply() fingerprintReply {
	return fingerprintReply{f.id.String(), f.created.Format(time.RFC3339Nano)}
}

func (u *users) createFingerprint(tooMany answer) func(*call) answer {
	return func(c *call) answer {
		value, refused := fingerprintIn(c)
		if refused != nil {
			return *refused
		}
		created, outcome := u.addFingerprint(c.user(), c.ids.profile, DigestOf(value))
		switch outcome {
		case unknownUser:
			return noSuchUser()
		case exists:
			return emptyAnswer(http.StatusConflict).because("this device fingerprint is there already")
		case full:
			return tooMany
		}
		return jsonAnswer(http.StatusOK, created.reply())
	}
}

// fingerprintIn is the one that a call brings.
func fingerprintIn(c *call) (string, *answer) {
	value, refused := c.field("deviceFingerprint")
	if refused != nil {
		return "", refused
	}
	if value == "" {
		a := oauthError(http.StatusBadRequest, "device.fingerprint.invalid", "The device fingerprint is empty")
		return "", &a
	}
	return value, nil
}

func (u *users) fetchFingerprints(c *call) answer {
	list, outcome := u.listFingerprints(c.user())
	if outcome != done {
		return noSuchUser()
	}
	replies := make([]fingerprintReply, len(list)) // an empty list is written [], not null
	for i, f := range list {
		replies[i] = f.reply()
	}
	return jsonAnswer(http.StatusOK, replies)
}

// deleteFingerprint doesn't say whether it is the user or the fingerprint that
// is unknown, as Wise doesn't.
func (u *users) deleteFingerprint(c *call) answer {
	if u.removeFingerprint(c.user(), c.ids.profile, c.ids.fingerprint) != done {
		return emptyAnswer(http.StatusNotFound).because("the user or the device fingerprint is unknown")
	}
	return emptyAnswer(http.StatusNoContent)
}
