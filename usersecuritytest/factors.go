package usersecuritytest

import (
	"slices"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// A secret is what there is at most one of: the PIN, or the face map.
type secret func(*factors) **Digest

func pinOf(f *factors) **Digest     { return &f.pin }
func faceMapOf(f *factors) **Digest { return &f.faceMap }

func (u *users) setSecret(id usersecurity.UserID, profile usersecurity.ProfileID, which secret, digest Digest) outcome {
	return u.visitFactors(id, profile, func(own *factors) outcome {
		place := which(own)
		if *place != nil {
			return exists
		}
		*place = &digest
		return done
	})
}

func (u *users) removeSecret(id usersecurity.UserID, profile usersecurity.ProfileID, which secret) outcome {
	return u.visitFactors(id, profile, func(own *factors) outcome {
		place := which(own)
		if *place == nil {
			return missing
		}
		*place = nil
		return done
	})
}

func (u *users) addFingerprint(id usersecurity.UserID, profile usersecurity.ProfileID, digest Digest) (made fingerprint, o outcome) {
	o = u.visitFactors(id, profile, func(own *factors) outcome {
		switch {
		case slices.ContainsFunc(own.fingerprints, func(f fingerprint) bool { return f.digest == digest }):
			return exists
		case len(own.fingerprints) >= u.fingerprintLimit:
			return full
		}
		made = fingerprint{
			id: u.newUUID(),
			// Without the monotonic clock it compares equal to what a client reads.
			created: u.clock.now().UTC().Round(0),
			digest:  digest,
		}
		own.fingerprints = append(own.fingerprints, made)
		return done
	})
	return made, o
}

// newUUID draws a version 4 UUID from the seeded source.
func (u *users) newUUID() uuid.UUID {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(u.random.Uint64() >> 32)
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// listFingerprints returns those of the user: profiles have no list.
func (u *users) listFingerprints(id usersecurity.UserID) (list []fingerprint, o outcome) {
	o = u.visitFactors(id, 0, func(own *factors) outcome {
		list = slices.Clone(own.fingerprints)
		return done
	})
	return list, o
}

func (u *users) removeFingerprint(id usersecurity.UserID, profile usersecurity.ProfileID, which uuid.UUID) outcome {
	return u.visitFactors(id, profile, func(own *factors) outcome {
		i := slices.IndexFunc(own.fingerprints, func(f fingerprint) bool { return f.id == which })
		if i < 0 {
			return missing
		}
		own.fingerprints = slices.Delete(own.fingerprints, i, i+1)
		return done
	})
}
