package usersecuritytest

import (
	"slices"
	"time"

	"github.com/wise-partner/usersecurity"
)

// After so many wrong answers in a row, a user's challenges are blocked for a
// while.
const (
	failuresToBlock = 5
	blockLife       = 15 * time.Minute
)

// attempt tries an answer to a challenge, and counts it.
func (u *users) attempt(id usersecurity.UserID, try func(*user) outcome) outcome {
	return u.visit(id, func(usr *user) outcome {
		if u.clock.now().Before(usr.blockedUntil) {
			return blocked
		}
		o := try(usr)
		switch o {
		case done:
			usr.failures = 0
		case wrong:
			if usr.failures++; usr.failures == failuresToBlock {
				usr.failures, usr.blockedUntil = 0, u.clock.now().Add(blockLife)
			}
		}
		return o
	})
}

// isBlocked reports whether no challenge can be made for a user.
func (u *users) isBlocked(id usersecurity.UserID) bool {
	return u.visit(id, func(usr *user) outcome {
		if u.clock.now().Before(usr.blockedUntil) {
			return blocked
		}
		return done
	}) == blocked
}

// trySecret compares with the PIN or the face map.
func trySecret(which secret, digest Digest) func(*user) outcome {
	return func(u *user) outcome {
		switch own := *which(u); {
		case own == nil:
			return missing
		case *own != digest:
			return wrong
		}
		return done
	}
}

// tryFingerprint compares with all of the user's devices.
func tryFingerprint(digest Digest) func(*user) outcome {
	return func(u *user) outcome {
		switch {
		case len(u.fingerprints) == 0:
			return missing
		case !slices.ContainsFunc(u.fingerprints, func(f fingerprint) bool { return f.digest == digest }):
			return wrong
		}
		return done
	}
}

// tryOTP compares with the code that the sandbox takes always.
func tryOTP(code string) func(*user) outcome {
	return func(*user) outcome {
		if code != sandboxOTP {
			return wrong
		}
		return done
	}
}

// sandboxOTP is the code of every message that the sandbox doesn't send.
const sandboxOTP = "111111"

// factorKinds are the kinds of challenges that a user can answer, of different
// sorts: what the user knows, has and is.
func (u *users) factorKinds(id usersecurity.UserID) (kinds []usersecurity.ChallengeKind) {
	u.visit(id, func(usr *user) outcome {
		if usr.pin != nil {
			kinds = append(kinds, usersecurity.ChallengePin)
		}
		switch {
		case len(usr.fingerprints) > 0:
			kinds = append(kinds, usersecurity.ChallengeDeviceFingerprint)
		case len(usr.phones) > 0:
			kinds = append(kinds, usersecurity.ChallengeSMS)
		}
		if usr.faceMap != nil {
			kinds = append(kinds, usersecurity.ChallengeFaceMap)
		}
		return done
	})
	return kinds
}
