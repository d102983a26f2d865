package usersecuritytest

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// Stub takes the place of a client: each of its methods calls the field of the
// same name with Func at its end. A method whose field is not set fails with an
// error that names the field, so that a test sees which calls it didn't expect.
//
// Use a pointer to it as a [usersecurity.API]. It is as safe for concurrent use
// as the functions in it.
type Stub struct {
	CreatePinFunc               func(ctx context.Context, user usersecurity.UserID, pin usersecurity.Pin, opts ...usersecurity.CallOption) error
	DeletePinFunc               func(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) error
	EnrolFaceMapFunc            func(ctx context.Context, user usersecurity.UserID, faceMap usersecurity.FaceMap, opts ...usersecurity.CallOption) error
	DeleteFaceMapFunc           func(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) error
	CreateDeviceFingerprintFunc func(ctx context.Context, user usersecurity.UserID, fingerprint usersecurity.Fingerprint, opts ...usersecurity.CallOption) (*usersecurity.DeviceFingerprint, error)
	ListDeviceFingerprintsFunc  func(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) ([]usersecurity.DeviceFingerprint, error)
	DeleteDeviceFingerprintFunc func(ctx context.Context, user usersecurity.UserID, id uuid.UUID, opts ...usersecurity.CallOption) error
	ListPhoneNumbersFunc        func(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) ([]usersecurity.PhoneNumber, error)
	CreatePhoneNumberFunc       func(ctx context.Context, user usersecurity.UserID, phoneNumber string, opts ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error)
	UpdatePhoneNumberFunc       func(ctx context.Context, user usersecurity.UserID, id usersecurity.PhoneNumberID, phoneNumber string, opts ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error)
	DeletePhoneNumberFunc       func(ctx context.Context, user usersecurity.UserID, id usersecurity.PhoneNumberID, opts ...usersecurity.CallOption) error
}

var _ usersecurity.API = (*Stub)(nil)

func unset(method string) error {
	return fmt.Errorf("usersecuritytest: %s was called, but Stub.%sFunc is not set", method, method)
}

// CreatePin calls CreatePinFunc.
func (s *Stub) CreatePin(ctx context.Context, user usersecurity.UserID, pin usersecurity.Pin, opts ...usersecurity.CallOption) error {
	if s.CreatePinFunc == nil {
		return unset("CreatePin")
	}
	return s.CreatePinFunc(ctx, user, pin, opts...)
}

// DeletePin calls DeletePinFunc.
func (s *Stub) DeletePin(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) error {
	if s.DeletePinFunc == nil {
		return unset("DeletePin")
	}
	return s.DeletePinFunc(ctx, user, opts...)
}

// EnrolFaceMap calls EnrolFaceMapFunc.
func (s *Stub) EnrolFaceMap(ctx context.Context, user usersecurity.UserID, faceMap usersecurity.FaceMap, opts ...usersecurity.CallOption) error {
	if s.EnrolFaceMapFunc == nil {
		return unset("EnrolFaceMap")
	}
	return s.EnrolFaceMapFunc(ctx, user, faceMap, opts...)
}

// DeleteFaceMap calls DeleteFaceMapFunc.
func (s *Stub) DeleteFaceMap(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) error {
	if s.DeleteFaceMapFunc == nil {
		return unset("DeleteFaceMap")
	}
	return s.DeleteFaceMapFunc(ctx, user, opts...)
}

// CreateDeviceFingerprint calls CreateDeviceFingerprintFunc.
func (s *Stub) CreateDeviceFingerprint(ctx context.Context, user usersecurity.UserID, fingerprint usersecurity.Fingerprint, opts ...usersecurity.CallOption) (*usersecurity.DeviceFingerprint, error) {
	if s.CreateDeviceFingerprintFunc == nil {
		return nil, unset("CreateDeviceFingerprint")
	}
	return s.CreateDeviceFingerprintFunc(ctx, user, fingerprint, opts...)
}

// ListDeviceFingerprints calls ListDeviceFingerprintsFunc.
func (s *Stub) ListDeviceFingerprints(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) ([]usersecurity.DeviceFingerprint, error) {
	if s.ListDeviceFingerprintsFunc == nil {
		return nil, unset("ListDeviceFingerprints")
	}
	return s.ListDeviceFingerprintsFunc(ctx, user, opts...)
}

// DeleteDeviceFingerprint calls DeleteDeviceFingerprintFunc.
func (s *Stub) DeleteDeviceFingerprint(ctx context.Context, user usersecurity.UserID, id uuid.UUID, opts ...usersecurity.CallOption) error {
	if s.DeleteDeviceFingerprintFunc == nil {
		return unset("DeleteDeviceFingerprint")
	}
	return s.DeleteDeviceFingerprintFunc(ctx, user, id, opts...)
}

// ListPhoneNumbers calls ListPhoneNumbersFunc.
func (s *Stub) ListPhoneNumbers(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) ([]usersecurity.PhoneNumber, error) {
	if s.ListPhoneNumbersFunc == nil {
		return nil, unset("ListPhoneNumbers")
	}
	return s.ListPhoneNumbersFunc(ctx, user, opts...)
}

// CreatePhoneNumber calls CreatePhoneNumberFunc.
func (s *Stub) CreatePhoneNumber(ctx context.Context, user usersecurity.UserID, phoneNumber string, opts ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error) {
	if s.CreatePhoneNumberFunc == nil {
		return nil, unset("CreatePhoneNumber")
	}
	return s.CreatePhoneNumberFunc(ctx, user, phoneNumber, opts...)
}

// UpdatePhoneNumber calls UpdatePhoneNumberFunc.
func (s *Stub) UpdatePhoneNumber(ctx context.Context, user usersecurity.UserID, id usersecurity.PhoneNumberID, phoneNumber string, opts ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error) {
	if s.UpdatePhoneNumberFunc == nil {
		return nil, unset("UpdatePhoneNumber")
	}
	return s.UpdatePhoneNumberFunc(ctx, user, id, phoneNumber, opts...)
}

// DeletePhoneNumber calls DeletePhoneNumberFunc.
func (s *Stub) DeletePhoneNumber(ctx context.Context, user usersecurity.UserID, id usersecurity.PhoneNumberID, opts ...usersecurity.CallOption) error {
	if s.DeletePhoneNumberFunc == nil {
		return unset("DeletePhoneNumber")
	}
	return s.DeletePhoneNumberFunc(ctx, user, id, opts...)
}
