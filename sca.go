package usersecurity

import "context"

// SCAService is [Client.SCA]: the Strong Customer Authentication calls, in the
// place of the deprecated ones of [Client]. They act on a profile of a user's,
// with the user's token, the deletes too.
type SCAService struct{ engine func() *engine }

// StartSession makes a one-time token before any call has been refused, so that
// the customer can be authenticated ahead of it. It is never repeated once it
// may have arrived: a second session would make a second token.
//
// POST /v2/profiles/{profileId}/sca-sessions/authorise; in calendar versions
// without /v2.
func (s *SCAService) StartSession(ctx context.Context, p Profile, opts ...CallOption) (*OneTimeTokenState, error) {
	return s.engine().tokenState(ctx, request{op: OpSCAStartSession, user: p.User, profile: p.ID}, opts)
}
