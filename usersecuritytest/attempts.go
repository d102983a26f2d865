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

// attempt tries an answer to a challenge of a user's, on a profile or without one,
// and counts it.
func (u *users) attempt(id usersecurity.UserID, profile usersecurity.ProfileID, try func(*factors) outcome) outcome {
	return u.visit(id, func(usr *user) outcome {
		if u.clock.now().Before(usr.blockedUntil) {
			return blocked
		}
		o := try(u.factorsOf(usr, profile))
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
func trySecret(which secret, digest Digest) func(*factors) outcome {
	return func(f *factors) outcome {
		switch own := *which(f); {
		case own == nil:
			return missing
		case *own != digest:
			return wrong
		}
		return done
	}
}

// tryFingerprint compares with all devices.
func tryFingerprint(digest Digest) func(*factors) outcome {
	return func(f *factors) outcome {
		switch {
		case len(f.fingerprints) == 0:
			return missing
		case !slices.ContainsFunc(f.fingerprints, func(f fingerprint) bool { return f.digest == digest }):
			return wrong
		}
		return done
	}
}

// tryOTP compares with the code that the sandbox takes always. Without one that
// was sent there is nothing to compare with.
func tryOTP(code string, sent bool) func(*factors) outcome {
	return func(*factors) outcome {
		switch {
		case !sent:
			return missing
		case code != sandboxOTP:
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
		var pin, device, faceMap bool
		for _, own := range usr.factors {
			pin = pin || own.pin != nil
			device = device || len(own.fingerprints) > 0
			faceMap = faceMap || own.faceMap != nil
		}
		if pin {
			kinds = append(kinds, usersecurity.ChallengePin)
		}
		switch {
		case device:
			kinds = append(kinds, usersecurity.ChallengeDeviceFingerprint)
		case len(usr.phones) > 0:
			kinds = append(kinds, usersecurity.ChallengeSMS)
		}
		if faceMap {
			kinds = append(kinds, usersecurity.ChallengeFaceMap)
		}
		return done
	})
	return kinds
}
