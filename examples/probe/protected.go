package main

import (
	"context"
	"net/http"
	"strings"
)

// askProtected looks at the 403 of a call that Wise protects.
func (p *probe) askProtected(ctx context.Context) error {
	token, err := p.wise.userToken(ctx)
	if err != nil {
		return err
	}
	var header http.Header
	seen, err := p.try(func() error {
		resp, err := p.wise.do(ctx, &http.Client{Transport: p.wise.wire}, http.MethodGet, p.protectedPath, "", http.Header{"Authorization": {"Bearer " + token}})
		if err == nil {
			header = resp.Header
		}
		return err
	})
	if err != nil {
		return err
	}
	approval := "no token"
	switch words := strings.Fields(header.Get("X-2fa-Approval")); {
	case len(words) == 1:
		approval = "the token alone"
	case len(words) > 1:
		approval = "the token, and more"
	}
	result := header.Get("X-2fa-Approval-Result")
	if !aWord(result) {
		result = "no result"
	}
	p.saw("challenge", "What does the 403 of a protected call look like?", "", "%s; x-2fa-approval: %s; x-2fa-approval-result: %s", seen, approval, result)
	return nil
}
