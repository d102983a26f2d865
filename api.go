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

// API is all of it, for code that is to be tested with a double of its own. A
// minor release may add methods to it and to the four above: code that
// implements them should rather declare the one or two methods it calls.
type API interface {
	PinAPI
	FaceMapAPI
	FingerprintAPI
	PhoneNumberAPI
}

var _ API = (*Client)(nil)
