package usersecuritytest

import (
	"slices"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// A secret is what a user has at most one of: the PIN, or the face map.
type secret func(*user) **Digest

func pinOf(u *user) **Digest     { return &u.pin }
func faceMapOf(u *user) **Digest { return &u.faceMap }

func (u *users) setSecret(id usersecurity.UserID, which secret, digest Digest) outcome {
	return u.visit(id, func(usr *user) outcome {
		place := which(usr)
		if *place != nil {
			return exists
		}
		*place = &digest
		return done
	})
}

func (u *users) removeSecret(id usersecurity.UserID, which secret) outcome {
	return u.visit(id, func(usr *user) outcome {
		place := which(usr)
		if *place == nil {
			return missing
		}
		*place = nil
		return done
	})
}

func (u *users) addFingerprint(id usersecurity.UserID, digest Digest) (made fingerprint, o outcome) {
	o = u.visit(id, func(usr *user) outcome {
		switch {
		case slices.ContainsFunc(usr.fingerprints, func(f fingerprint) bool { return f.digest == digest }):
			return exists
		case len(usr.fingerprints) >= u.fingerprintLimit:
			return full
		}
		made = fingerprint{
			id: u.newUUID(),
			// Without the monotonic clock it compares equal to what a client reads.
			created: u.clock.now().UTC().Round(0),
			digest:  digest,
		}
		usr.fingerprints = append(usr.fingerprints, made)
		return done
	})
	return made, o
}

// newUUID draws a version 4 UUID from the seeded source.
func (u *users) newUUID() uuid.UUID {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(u.random.Uint32())
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

func (u *users) listFingerprints(id usersecurity.UserID) (list []fingerprint, o outcome) {
	o = u.visit(id, func(usr *user) outcome {
		list = slices.Clone(usr.fingerprints)
		return done
	})
	return list, o
}

func (u *users) removeFingerprint(id usersecurity.UserID, which uuid.UUID) outcome {
	return u.visit(id, func(usr *user) outcome {
		i := slices.IndexFunc(usr.fingerprints, func(f fingerprint) bool { return f.id == which })
		if i < 0 {
			return missing
		}
		usr.fingerprints = slices.Delete(usr.fingerprints, i, i+1)
		return done
	})
}
