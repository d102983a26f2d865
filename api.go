package usersecurity

import (
	"context"

	"github.com/google/uuid"
)

// PinAPI is what [Client] does with PINs.
type PinAPI interface {
	CreatePin(ctx context.Context, user UserID, pin Pin, opts ...CallOption) error
	DeletePin(ctx context.Context, user UserID, opts ...CallOption) error
}

// FaceMapAPI is what [Client] does with face maps.
type FaceMapAPI interface {
	EnrolFaceMap(ctx context.Context, user UserID, faceMap FaceMap, opts ...CallOption) error
	DeleteFaceMap(ctx context.Context, user UserID, opts ...CallOption) error
}

// FingerprintAPI is what [Client] does with device fingerprints.
type FingerprintAPI interface {
	CreateDeviceFingerprint(ctx context.Context, user UserID, fingerprint Fingerprint, opts ...CallOption) (*DeviceFingerprint, error)
	ListDeviceFingerprints(ctx context.Context, user UserID, opts ...CallOption) ([]DeviceFingerprint, error)
	DeleteDeviceFingerprint(ctx context.Context, user UserID, id uuid.UUID, opts ...CallOption) error
}

// PhoneNumberAPI is what [Client] does with phone numbers.
type PhoneNumberAPI interface {
	ListPhoneNumbers(ctx context.Context, user UserID, opts ...CallOption) ([]PhoneNumber, error)
	CreatePhoneNumber(ctx context.Context, user UserID, phoneNumber string, opts ...CallOption) (*PhoneNumber, error)
	UpdatePhoneNumber(ctx context.Context, user UserID, id PhoneNumberID, phoneNumber string, opts ...CallOption) (*PhoneNumber, error)
	DeletePhoneNumber(ctx context.Context, user UserID, id PhoneNumberID, opts ...CallOption) error
}

// RelayAPI is what [Client] does with what a device has sealed.
type RelayAPI interface {
	CreatePinSealed(ctx context.Context, user UserID, req SealedRequest, opts ...CallOption) (SealedReply, error)
	CreateDeviceFingerprintSealed(ctx context.Context, user UserID, req SealedRequest, opts ...CallOption) (SealedReply, error)
}

// SCAAPI is what [SCAService] does, for a field of your own that holds
// [Client.SCA].
type SCAAPI interface {
	CreatePin(ctx context.Context, p Profile, pin Pin, opts ...CallOption) error
	VerifyPin(ctx context.Context, p Profile, t OneTimeToken, pin Pin, opts ...CallOption) (*OneTimeTokenState, error)
	DeletePin(ctx context.Context, p Profile, opts ...CallOption) error
	CreateDeviceFingerprint(ctx context.Context, p Profile, f Fingerprint, opts ...CallOption) (*DeviceFingerprint, error)
	VerifyDeviceFingerprint(ctx context.Context, p Profile, t OneTimeToken, f Fingerprint, opts ...CallOption) (*OneTimeTokenState, error)
	DeleteDeviceFingerprint(ctx context.Context, p Profile, id uuid.UUID, opts ...CallOption) error
	EnrolFaceMap(ctx context.Context, p Profile, m FaceMap, opts ...CallOption) error
	VerifyFaceMap(ctx context.Context, p Profile, t OneTimeToken, m FaceMap, opts ...CallOption) (*OneTimeTokenState, error)
	DeleteFaceMap(ctx context.Context, p Profile, opts ...CallOption) error
	StartSession(ctx context.Context, p Profile, opts ...CallOption) (*OneTimeTokenState, error)
	CreatePinSealed(ctx context.Context, p Profile, r SealedRequest, opts ...CallOption) (SealedReply, error)
	CreateDeviceFingerprintSealed(ctx context.Context, p Profile, r SealedRequest, opts ...CallOption) (SealedReply, error)
	VerifyPinSealed(ctx context.Context, p Profile, t OneTimeToken, r SealedRequest, opts ...CallOption) (SealedReply, error)
	VerifyDeviceFingerprintSealed(ctx context.Context, p Profile, t OneTimeToken, r SealedRequest, opts ...CallOption) (SealedReply, error)
}

// OneTimeTokenAPI is what [OneTimeTokenService] does, for a field of your own that
// holds [Client.OneTimeTokens].
type OneTimeTokenAPI interface {
	Status(ctx context.Context, user UserID, t OneTimeToken, opts ...CallOption) (*OneTimeTokenState, error)
	Trigger(ctx context.Context, user UserID, t OneTimeToken, kind ChallengeKind, opts ...CallOption) (sentTo string, err error)
	VerifyOTP(ctx context.Context, user UserID, t OneTimeToken, kind ChallengeKind, code OTP, opts ...CallOption) (*OneTimeTokenState, error)
	VerifyPin(ctx context.Context, user UserID, t OneTimeToken, pin Pin, opts ...CallOption) (*OneTimeTokenState, error)
	VerifyDeviceFingerprint(ctx context.Context, user UserID, t OneTimeToken, f Fingerprint, opts ...CallOption) (*OneTimeTokenState, error)
	VerifyFaceMap(ctx context.Context, user UserID, t OneTimeToken, m FaceMap, opts ...CallOption) (*OneTimeTokenState, error)
	VerifyPinSealed(ctx context.Context, user UserID, t OneTimeToken, r SealedRequest, opts ...CallOption) (SealedReply, error)
	VerifyDeviceFingerprintSealed(ctx context.Context, user UserID, t OneTimeToken, r SealedRequest, opts ...CallOption) (SealedReply, error)
}

// ChallengeAPI is what [Client] does with challenges.
type ChallengeAPI interface {
	ClearChallenges(ctx context.Context, p Profile, t OneTimeToken, by Challenger, opts ...CallOption) error
}

// ProfileAPI is what [Client] does with profiles, and the key for face maps.
type ProfileAPI interface {
	ListProfiles(ctx context.Context, user UserID, opts ...CallOption) ([]ProfileInfo, error)
	FaceTecPublicKey(ctx context.Context, user UserID, opts ...CallOption) (*FaceTecKey, error)
}

// UserTokenAPI is what [UserTokenService] does, for a field of your own that holds
// [Client.UserTokens].
type UserTokenAPI interface {
	SignUp(ctx context.Context, email string, code RegistrationCode, opts ...CallOption) (UserID, error)
	AuthorizationURL(redirectURI, state string) (string, error)
	ExchangeRegistrationCode(ctx context.Context, email string, code RegistrationCode, opts ...CallOption) (UserID, error)
	ExchangeAuthorizationCode(ctx context.Context, code, redirectURI string, opts ...CallOption) (UserID, error)
	Refresh(ctx context.Context, user UserID) error
	Forget(ctx context.Context, user UserID) error
}

// API is all that [Client] itself does with factors, for code that is to be
// tested with a double of its own. A minor release may add methods to it and to
// those above: code that implements them should rather declare the one or two
// methods it calls.
type API interface {
	PinAPI
	FaceMapAPI
	FingerprintAPI
	PhoneNumberAPI
}

var (
	_ API             = (*Client)(nil)
	_ RelayAPI        = (*Client)(nil)
	_ ChallengeAPI    = (*Client)(nil)
	_ ProfileAPI      = (*Client)(nil)
	_ SCAAPI          = (*SCAService)(nil)
	_ OneTimeTokenAPI = (*OneTimeTokenService)(nil)
	_ UserTokenAPI    = (*UserTokenService)(nil)
	_ TokenSource     = (*UserTokenService)(nil)
)
