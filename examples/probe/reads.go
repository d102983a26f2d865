package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/examples/internal/trial"
)

// askRefresh renews the user's tokens once. A new refresh token goes into the file at
// once: the old one may be void.
func (p *probe) askRefresh(ctx context.Context) error {
	file, err := os.OpenFile(p.refreshTokenFile, os.O_RDWR, 0) // before anything is renewed
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	before, err := p.wise.store.Load(ctx, p.wise.user)
	if err != nil {
		return err
	}
	if err := p.wise.client.UserTokens.Refresh(ctx, p.wise.user); err != nil {
		return fmt.Errorf("the refresh token may be used up: %w", err)
	}
	after, err := p.wise.store.Load(ctx, p.wise.user)
	if err != nil {
		return err
	}
	const question = "Does the refresh token change when it is used?"
	if after.RefreshToken == before.RefreshToken {
		p.saw("refresh-token", question, "", "no")
		return nil
	}
	p.saw("refresh-token", question, "WithUserTokenStore with a store that all processes share", "yes")
	n, err := file.WriteAt([]byte(after.RefreshToken+"\n"), 0)
	return errors.Join(err, file.Truncate(int64(n)))
}

// askVersions finds the profile, with the legacy path and with the calendar one.
func (p *probe) askVersions(ctx context.Context) error {
	legacy, legacyErr := p.try(func() (err error) {
		p.who, err = trial.FindProfile(ctx, p.wise.client, p.wise.user, usersecurity.ProfileID(p.profile))
		return err
	})
	calendar, err := p.try(func() (err error) {
		_, err = p.wise.calendar.ListProfiles(ctx, p.wise.user)
		return err
	})
	option := ""
	if legacyErr != nil && err == nil && legacy.status != http.StatusOK {
		option = fmt.Sprintf("WithVersion(%q)", p.version)
	}
	p.saw("versions", "Do legacy and calendar paths both answer?", option, "legacy %s, %s %s", legacy, p.version, calendar)
	if legacyErr != nil {
		return fmt.Errorf("the profile can't be found: %w", legacyErr)
	}
	return nil
}

// lookAtUser asks by which method devices are listed, and ends the probe where the
// user has factors. A PIN is not seen here: creating one would be answered 409.
func (p *probe) lookAtUser(ctx context.Context) error {
	answered := map[string]exchange{}
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		client, err := p.wise.clientWith(usersecurity.WithFingerprintListMethod(method))
		if err != nil {
			return err
		}
		var devices []usersecurity.DeviceFingerprint
		answered[method], err = p.try(func() (err error) {
			devices, err = client.ListDeviceFingerprints(ctx, p.wise.user)
			return err
		})
		if len(devices) > 0 {
			return errHasFactors
		}
		p.firstServed = p.firstServed || err == nil
	}
	post, get := answered[http.MethodPost], answered[http.MethodGet]
	option := ""
	switch {
	case post.status == http.StatusOK && get.status == http.StatusOK: // the default will do
	case post.status == http.StatusOK:
		option = `WithFingerprintListMethod("POST")`
	case get.status == http.StatusOK:
		option = `WithFingerprintListMethod("GET")`
	}
	p.saw("list-method", "Which method lists fingerprints?", option, "POST %s, GET %s", post, get)

	state, err := p.wise.client.SCA.StartSession(ctx, p.who)
	if err != nil {
		return nil // it is asked about later
	}
	for _, c := range state.Challenges {
		for _, kind := range append(c.Alternatives, c.Kind) {
			switch kind {
			case usersecurity.ChallengePin, usersecurity.ChallengeFaceMap, usersecurity.ChallengeDeviceFingerprint:
				return errHasFactors
			}
		}
	}
	return nil
}

const playground = "/v1/auth/jose/playground/jwe"

// askSealing tries the playground, which touches no customer.
func (p *probe) askSealing(ctx context.Context) error {
	without, withoutErr := p.try(func() error { return p.wise.client.VerifyJWE(ctx) })
	id, err := uuid.NewRandom()
	if p.replyKeyID != "" {
		id, err = uuid.Parse(p.replyKeyID)
	}
	if err != nil {
		return errors.New("-reply-key is not a UUID")
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048) // stands for the registered one, as replies are dir
	if err != nil {
		return err
	}
	naming, err := p.wise.clientWith(usersecurity.WithJWE(usersecurity.JWEReplyKey(id, key), usersecurity.JWESendReplyKeyID()))
	if err != nil {
		return err
	}
	with, withErr := p.try(func() error { return naming.VerifyJWE(ctx) })

	jose := http.Header{"X-Tw-Jose-Method": {"jwe"}, "Accept": {"application/jose+json"}, "Accept-Encoding": {"identity"}, "Content-Type": {"application/jose+json"}}
	toKey, err := p.raw(ctx, http.MethodGet, playground, "", jose)
	if err != nil {
		return err
	}
	named := jose.Clone()
	named.Set("X-Tw-Jose-Encryption-Kid", id.String())
	toNamedKey, err := p.raw(ctx, http.MethodGet, playground, "", named)
	if err != nil {
		return err
	}
	option := ""
	if (withoutErr != nil || toKey.status != http.StatusOK) && (withErr == nil && toNamedKey.status == http.StatusOK) {
		option = "JWESendReplyKeyID(), where replies are sealed to your key"
	}
	which := "a random id"
	if p.replyKeyID != "" {
		which = "the id of -reply-key"
		if option != "" {
			p.wise.client = naming // or the rest would be refused
		}
	}
	p.saw("kid-header", "Is X-TW-JOSE-Encryption-kid wanted?", option,
		"direct: without it %s, with %s %s; to a registered key: without it %s, with %s %s", without, which, with, toKey, which, toNamedKey)

	unsealed := jose.Clone()
	unsealed.Set("Content-Type", "application/json")
	plain, err := p.raw(ctx, http.MethodPost, playground+"-direct-encryption", `{"message":"not sealed"}`, unsealed)
	p.saw("unsealed-body", "What is a body answered with that isn't sealed?", "", "%s", plain)
	return err
}

// raw sends a request of the application's that the client has no call for.
func (p *probe) raw(ctx context.Context, method, path, body string, header http.Header) (exchange, error) {
	return p.try(func() error {
		_, err := p.wise.do(ctx, p.wise.asApplication, method, path, body, header)
		return err
	})
}

// askReads asks for a one-time token that doesn't exist, and for FaceTec's key.
func (p *probe) askReads(ctx context.Context) error {
	unknown, err := usersecurity.NewOneTimeToken(uuid.NewString())
	if err != nil {
		return err
	}
	seen, err := p.try(func() error {
		_, err := p.wise.client.OneTimeTokens.Status(ctx, p.wise.user, unknown)
		return err
	})
	option := ""
	if err != nil && !errors.Is(err, usersecurity.ErrOneTimeTokenUnknown) {
		option = "none, but take " + sentinelOf(err) + " of OneTimeTokens.Status for an unknown or expired token"
	}
	p.saw("unknown-token", "What is an unknown one-time token answered with?", option, "%s", seen)

	var key *usersecurity.FaceTecKey
	seen, err = p.try(func() (err error) {
		key, err = p.wise.client.FaceTecPublicKey(ctx, p.wise.user)
		return err
	})
	kind := "which the client can't read"
	if err == nil {
		kind = "an RSA key"
		if _, elliptic := key.PublicKey.(*ecdsa.PublicKey); elliptic {
			kind = "an elliptic key"
		}
	}
	p.saw("facetec-key", "What is FaceTec's key?", "", "%s, %s", seen, kind)
	return nil
}
