package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// setPin sets a first PIN. It never replaces one: that is two steps for the
// customer, DELETE and PUT, so that a PIN is never lost to a lapse, and so that
// the partner can ask for more before the first of them.
func (a *api) setPin(ctx context.Context, x *exchange) (answer, error) {
	var body struct {
		Pin string `json:"pin"`
	}
	if err := x.body(&body, maxBody); err != nil {
		return answer{}, err
	}
	pin, err := usersecurity.NewPin(body.Pin)
	if err != nil {
		return answer{}, problemPin
	}
	p, err := a.profile(ctx, x)
	if err != nil {
		return answer{}, err
	}
	err = a.sca.CreatePin(ctx, p, pin, x.wiseOptions()...)
	if err != nil && usersecurity.OutcomeOf(err) == usersecurity.OutcomeDone {
		// The PIN is set. Only the reply, in which nothing is, could not be read.
		a.log.WarnContext(ctx, "the reply to a PIN can't be read", slog.Any("error", err), slog.String("request_id", x.id.String()))
		err = nil
	}
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

func (a *api) deletePin(ctx context.Context, x *exchange) (answer, error) {
	p, err := a.profile(ctx, x)
	if err != nil {
		return answer{}, err
	}
	if err := a.sca.DeletePin(ctx, p, x.wiseOptions()...); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

// enrolFaceMap passes on what the app's face SDK has made and encrypted for Wise.
func (a *api) enrolFaceMap(ctx context.Context, x *exchange) (answer, error) {
	var body struct {
		FaceMap string `json:"faceMap"`
	}
	if err := x.body(&body, maxFaceMapBody); err != nil {
		return answer{}, err
	}
	faceMap, err := usersecurity.FaceMapFromBase64(body.FaceMap)
	if err != nil {
		return answer{}, problemFaceMap
	}
	p, err := a.profile(ctx, x)
	if err != nil {
		return answer{}, err
	}
	if err := a.sca.EnrolFaceMap(ctx, p, faceMap, x.wiseOptions()...); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

func (a *api) deleteFaceMap(ctx context.Context, x *exchange) (answer, error) {
	p, err := a.profile(ctx, x)
	if err != nil {
		return answer{}, err
	}
	if err := a.sca.DeleteFaceMap(ctx, p, x.wiseOptions()...); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

type device struct {
	ID        uuid.UUID `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
}

func (a *api) addDevice(ctx context.Context, x *exchange) (answer, error) {
	var body struct {
		Fingerprint string `json:"fingerprint"`
	}
	if err := x.body(&body, maxBody); err != nil {
		return answer{}, err
	}
	fingerprint, err := usersecurity.NewFingerprint(body.Fingerprint)
	if err != nil {
		return answer{}, problemFingerprint
	}
	p, err := a.profile(ctx, x)
	if err != nil {
		return answer{}, err
	}
	created, err := a.sca.CreateDeviceFingerprint(ctx, p, fingerprint, x.wiseOptions()...)
	if err != nil {
		return answer{}, err
	}
	return answer{
		status:   http.StatusCreated,
		location: "/me/devices/" + created.ID.String(),
		body:     device{created.ID, created.CreatedAt},
	}, nil
}

// listDevices asks with the older call: the newer ones have no list. Calendar
// versions don't have it, so a service keeps the ids that creating returned.
func (a *api) listDevices(ctx context.Context, x *exchange) (answer, error) {
	list, err := a.wise.ListDeviceFingerprints(ctx, x.customer.WiseUser, x.wiseOptions()...)
	if err != nil {
		return answer{}, err
	}
	devices := make([]device, 0, len(list)) // an empty list is [], not null
	for _, d := range list {
		devices = append(devices, device{d.ID, d.CreatedAt})
	}
	return answer{status: http.StatusOK, body: map[string]any{"devices": devices}}, nil
}

func (a *api) deleteDevice(ctx context.Context, x *exchange) (answer, error) {
	id, err := uuid.Parse(x.request.PathValue("id"))
	if err != nil || id == uuid.Nil {
		return answer{}, problemDeviceNotFound
	}
	p, err := a.profile(ctx, x)
	if err != nil {
		return answer{}, err
	}
	if err := a.sca.DeleteDeviceFingerprint(ctx, p, id, x.wiseOptions()...); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}
