package usersecurity

import (
	"context"
	"time"
)

// ChallengeRequest is what a customer is asked for, and why.
type ChallengeRequest struct {
	// Profile is whose challenge it is.
	Profile Profile
	// Kind is what the callback is to ask for.
	Kind ChallengeKind
	// SentTo is the phone number that a code was sent to, as Wise masks it.
	SentTo string
	// ActionType is what the customer is about to do, where Wise says it.
	ActionType string
	// Validity is how long the one-time token lives from now on.
	Validity time.Duration
}

// Challenger asks a customer for what a challenge wants. A nil field: this
// customer can't be asked for that. A callback's error ends the clearing, and is
// returned as it is.
type Challenger struct {
	Pin               func(ctx context.Context, r ChallengeRequest) (Pin, error)
	DeviceFingerprint func(ctx context.Context, r ChallengeRequest) (Fingerprint, error)
	FaceMap           func(ctx context.Context, r ChallengeRequest) (FaceMap, error)
	// OTP is asked after the code was sent to SentTo.
	OTP func(ctx context.Context, r ChallengeRequest) (OTP, error)
	// Choose picks one of the kinds that can be asked for, where there are several;
	// nil picks the first. Codes should be sent at the customer's choice.
	Choose func(ctx context.Context, r ChallengeRequest, kinds []ChallengeKind) (ChallengeKind, error)
}

// can reports whether the customer can be asked for a kind.
func (by *Challenger) can(kind ChallengeKind) bool {
	switch kind {
	case ChallengePin:
		return by.Pin != nil
	case ChallengeDeviceFingerprint:
		return by.DeviceFingerprint != nil
	case ChallengeFaceMap:
		return by.FaceMap != nil
	}
	return kind.phonePath() != "" && by.OTP != nil
}
