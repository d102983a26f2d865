package usersecuritytest

import (
	"net/http"
	"time"
)

type fingerprintReply struct {
	ID        string `json:"deviceFingerprintId"`
	CreatedAt string `json:"createdAt"`
}

func (f fingerprint) reply() fingerprintReply {
	return fingerprintReply{f.id.String(), f.created.Format(time.RFC3339Nano)}
}

func (x *exchange) createFingerprint() answer {
	value, refused := x.field("deviceFingerprint")
	if refused != nil {
		return *refused
	}
	if value == "" {
		return oauthError(http.StatusBadRequest, "device.fingerprint.invalid", "The device fingerprint is empty")
	}
	created, outcome := x.server.users.addFingerprint(x.token.user, DigestOf(value))
	switch outcome {
	case unknownUser:
		return emptyAnswer(http.StatusNotFound)
	case exists:
		return emptyAnswer(http.StatusConflict)
	case full:
		return emptyAnswer(http.StatusBadRequest)
	}
	return jsonAnswer(http.StatusOK, created.reply())
}

func (x *exchange) listFingerprints() answer {
	list, outcome := x.server.users.listFingerprints(x.ids.user)
	if outcome != done {
		return emptyAnswer(http.StatusNotFound)
	}
	replies := make([]fingerprintReply, len(list)) // an empty list is written [], not null
	for i, f := range list {
		replies[i] = f.reply()
	}
	return jsonAnswer(http.StatusOK, replies)
}

// deleteFingerprint doesn't say whether it is the user or the fingerprint that
// is unknown, as Wise doesn't.
func (x *exchange) deleteFingerprint() answer {
	if x.server.users.removeFingerprint(x.ids.user, x.ids.fingerprint) != done {
		return emptyAnswer(http.StatusNotFound)
	}
	return emptyAnswer(http.StatusNoContent)
}
