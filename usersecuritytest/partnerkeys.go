package usersecuritytest

import (
	"crypto/rsa"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// partnerKeys are the keys that the partner has registered for replies. Wise
// has no call that lists or removes them.
type partnerKeys struct {
	mu   sync.Mutex
	keys []*partnerKey // the one registered last at the end
}

type partnerKey struct {
	id         uuid.UUID
	public     *rsa.PublicKey
	from, till time.Time // zero for no bound
}

// find returns the key of that id, or the one registered last where id is
// empty, if it is valid at that time.
func (p *partnerKeys) find(id string, now time.Time) *partnerKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.keys) - 1; i >= 0; i-- {
		k := p.keys[i]
		if (id == "" || strings.EqualFold(id, k.id.String())) &&
			!now.Before(k.from) && (k.till.IsZero() || now.Before(k.till)) {
			return k
		}
	}
	return nil
}

// add registers a key. It reports false where the id stands for another one.
func (p *partnerKeys) add(key *partnerKey) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, k := range p.keys {
		if k.id == key.id {
			if !k.public.Equal(key.public) {
				return false
			}
			p.keys[i] = key
			return true
		}
	}
	p.keys = append(p.keys, key)
	return true
}
