package usersecuritytest

import (
	"net/http"

	"github.com/wise-partner/usersecurity"
)

// gatewayPage is what a gateway says of a backend it can't reach.
const gatewayPage = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n" +
	"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"

// portalPage is what something answers that isn't Wise and doesn't know of it.
const portalPage = "<!DOCTYPE html>\n<html><head><title>Notice</title></head>\n<body><h1>Please wait</h1></body></html>\n"

func (f *Fault) foreignStatus() int {
	if f.Status == 0 {
		return http.StatusOK
	}
	return f.Status
}

// answer is what the fault answers in place of the simulator, if it does.
func (f *Fault) answer(op usersecurity.Operation) (answer, bool) {
	switch f.Kind {
	case HTML502:
		return answer{status: http.StatusBadGateway, contentType: typeHTML, body: []byte(gatewayPage)}, true
	case HTMLPage:
		return answer{status: f.foreignStatus(), contentType: typeHTML, body: []byte(portalPage)}, true
	case ForeignJSON:
		return answer{status: f.foreignStatus(), contentType: typeJSON, body: []byte(`{"status":"ok"}`)}, true
	case EmptyReply:
		return emptyAnswer(f.foreignStatus()), true
	case Status000, SwitchingProtocols:
		return answer{}, true // it has a status line of its own
	case TooManyRequests:
		return rateLimited(f.RetryAfter), true
	case Unreadable:
		return unreadable(), true
	case Unauthorized:
		if op == usersecurity.OpFetchToken {
			return oauthError(http.StatusUnauthorized, "invalid_client", "client id and client secret are not valid"), true
		}
		return invalidToken(), true
	case Status:
		return answer{status: f.Status, header: f.Header, body: []byte(f.Body)}, true
	}
	return answer{}, false
}
