package usersecurity

import (
	"crypto"
	"crypto/rsa"

	"github.com/google/uuid"
)

// WithJWE seals the bodies that must be sealed, those of PINs and device
// fingerprints, as JWE to a key of Wise's. Without [JWEKeys] the key is fetched
// from Wise, with the application's token, and kept. Given again, it adds to what
// was given before.
func WithJWE(opts ...JWEOption) Option {
	return func(s *settings) {
		s.seals = true
		for _, o := range opts {
			if o == nil {
				s.refuse("WithJWE: an option is nil")
				continue
			}
			o(s)
		}
	}
}

// JWEOption is a setting of [WithJWE].
type JWEOption func(*settings)

// JWEKeys says where Wise's encryption key comes from, instead of from Wise's
// key endpoint: a file, a config service, [StaticKey].
func JWEKeys(src KeySource) JWEOption {
	return func(s *settings) {
		if src == nil {
			s.refuse("JWEKeys: the source is nil")
			return
		}
		if static, ok := src.(staticKey); ok && static.key.flaw() != "" {
			s.refuse("JWEKeys: StaticKey: " + static.key.flaw())
			return
		}
		s.sealing.keys = src
	}
}

// JWEReplyKey opens replies that Wise sealed to a key which the partner has
// registered under id, with [Client.RegisterReplyKey] or otherwise. The key is
// an RSA key of at least 2048 bits, in memory or in an HSM: anything that
// decrypts RSA-OAEP with SHA-256 through [crypto.Decrypter], from many
// goroutines at once. While keys are rotated, give the old and the new one.
func JWEReplyKey(id uuid.UUID, key crypto.Decrypter) JWEOption {
	return func(s *settings) {
		private, inMemory := key.(*rsa.PrivateKey)
		if id == uuid.Nil || key == nil || inMemory && private == nil {
			s.refuse("JWEReplyKey: id and key can't be empty")
			return
		}
		pub, ok := key.Public().(*rsa.PublicKey)
		if flaw := keyFlaw(pub); !ok || flaw != "" {
			s.refuse("JWEReplyKey: the key must be RSA of 2048 to 8192 bits")
			return
		}
		if inMemory {
			if private.Validate() != nil {
				s.refuse("JWEReplyKey: the key is not a valid RSA key")
				return
			}
			own := *private // decrypting with a key that isn't precomputed takes far longer
			own.Precompute()
			key = &own
		}
		s.sealing.newestReplyKey = id.String()
		if s.sealing.replyKeys == nil {
			s.sealing.replyKeys = map[string]crypto.Decrypter{}
		}
		s.sealing.replyKeys[s.sealing.newestReplyKey] = key
	}
}

// JWESendReplyKeyID names the reply key given last in the header
// X-TW-JOSE-Encryption-kid of sealed requests, so that a Wise that knows
// several keys of the partner's picks that one. Wise's documents disagree on
// whether the header is wanted; replies to PINs and fingerprints don't need it.
//
// What a device has sealed ([Client.CreatePinSealed] and its like) is relayed
// without: the device could not open a reply that is sealed to the partner's key.
func JWESendReplyKeyID() JWEOption {
	return func(s *settings) { s.sealing.sendReplyKeyID = true }
}

// JWERequireSealedReplies refuses a reply to a sealed request, with
// [ErrPlaintextReply], that isn't sealed with the request's own key (alg dir).
// One that is sealed to a registered key of the partner's proves nothing: that
// key is public, and anybody can seal to it.
func JWERequireSealedReplies() JWEOption {
	return func(s *settings) { s.sealing.requireSealed = true }
}
