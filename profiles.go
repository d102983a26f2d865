package usersecurity

import (
	"context"
	"slices"
	"strconv"
)

// ProfileInfo is a profile of a user's, without what is personal in it.
type ProfileInfo struct {
	// ID is what [Profile] takes.
	ID ProfileID
	// User is whose profile it is; 0 where Wise doesn't say.
	User UserID
	// Type is PERSONAL or BUSINESS so far. A user may have several business
	// profiles.
	Type string
	// State is HIDDEN, VISIBLE or DEACTIVATED so far.
	State string
	// PublicID is another id of Wise's for the profile; empty where Wise gives none.
	PublicID string
}

var profileFields = []string{"id", "userId", "type", "currentState", "publicId"}

// ListProfiles lists the user's profiles. It needs the user's token. Keep the
// ids: they are what the calls of [Client.SCA] take. Where there is more than one
// that isn't DEACTIVATED, the one to take is the one whose action is protected.
//
// GET /v2/profiles; in calendar versions without /v2.
func (c *Client) ListProfiles(ctx context.Context, user UserID, opts ...CallOption) ([]ProfileInfo, error) {
	list := []ProfileInfo{}
	_, err := c.do(ctx, request{op: OpListProfiles, user: user, decode: func(r reply) error {
		var body []struct {
			ID       ProfileID `json:"id"`
			UserID   looseText `json:"userId"`
			Type     looseText `json:"type"`
			State    looseText `json:"currentState"`
			PublicID looseText `json:"publicId"`
		}
		err := r.decode(&body, profileFields, func() bool { return true })
		list = list[:0]
		for _, p := range body {
			owner, _ := strconv.ParseInt(string(p.UserID), 10, 64)
			list = append(list, ProfileInfo{ID: p.ID, User: UserID(owner), Type: string(p.Type), State: string(p.State), PublicID: string(p.PublicID)})
		}
		if err == nil && slices.ContainsFunc(list, func(p ProfileInfo) bool { return p.ID <= 0 }) {
			return r.malformed()
		}
		return err
	}}, opts)
	if err != nil {
		return nil, err
	}
	return list, nil
}
