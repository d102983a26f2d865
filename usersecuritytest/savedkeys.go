package usersecuritytest

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// savedKeys is what is written of Wise's keys and of the partner's.
type savedKeys struct {
	Wise    []savedWiseKey    `json:"wise"`
	Partner []savedPartnerKey `json:"partner"`
}

type savedWiseKey struct {
	ID      uuid.UUID `json:"id"`
	Private []byte    `json:"private"` // PKCS 8
}

type savedPartnerKey struct {
	ID     uuid.UUID `json:"id"`
	Public []byte    `json:"public"` // SubjectPublicKeyInfo
	From   time.Time `json:"validFrom,omitzero"`
	Till   time.Time `json:"validTill,omitzero"`
}

func (w *wiseKeys) save(s *savedKeys) error {
	w.begin()
	for _, key := range w.list() {
		der, err := x509.MarshalPKCS8PrivateKey(key.private)
		if err != nil {
			return errors.New("a key of Wise's can't be written")
		}
		s.Wise = append(s.Wise, savedWiseKey{key.id, der})
	}
	return nil
}

func (p *partnerKeys) save(s *savedKeys) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range p.keys {
		der, err := x509.MarshalPKIXPublicKey(key.public)
		if err != nil {
			return errors.New("a key of the partner's can't be written")
		}
		s.Partner = append(s.Partner, savedPartnerKey{key.id, der, key.from, key.till})
	}
	return nil
}

func (s *savedKeys) restore(w *wiseKeys, p *partnerKeys) error {
	if len(s.Wise) == 0 {
		return errors.New("no key of Wise's is there")
	}
	for i, saved := range s.Wise {
		parsed, err := x509.ParsePKCS8PrivateKey(saved.Private)
		private, ok := parsed.(*rsa.PrivateKey)
		if err != nil || !ok || private.N.BitLen() < keyBits {
			return fmt.Errorf("version %d of Wise's key is no RSA key of at least %d bits", i+1, keyBits)
		}
		w.keys = append(w.keys, &wiseKey{version: i + 1, id: saved.ID, private: private})
	}
	for _, saved := range s.Partner {
		parsed, err := x509.ParsePKIXPublicKey(saved.Public)
		public, ok := parsed.(*rsa.PublicKey)
		if err != nil || !ok || public.N.BitLen() < keyBits || !p.add(&partnerKey{saved.ID, public, saved.From, saved.Till}) {
			return fmt.Errorf("key %s of the partner's is no RSA key of at least %d bits, or there twice", saved.ID, keyBits)
		}
	}
	return nil
}

func (w *wiseKeys) replace(by *wiseKeys) {
	w.adding.Lock()
	defer w.adding.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys = by.keys
}

func (p *partnerKeys) replace(by *partnerKeys) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = by.keys
}
