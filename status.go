package usersecurity

import "net/http"

// What proxies and gateways have added to HTTP: nothing there says what became
// of the request behind them.
const (
	statusNoResponse       = 444
	statusClientGone       = 460
	statusClientClosed     = 499
	firstOriginStatus      = 520
	lastOriginStatus       = 530
	statusReadTimeout      = 598
	statusConnectTimeout   = 599
	firstServerErrorStatus = 500
)

// isFinal reports whether a status can be that of an API's response.
func isFinal(status int) bool { return status >= 200 && status <= 599 }

// throttles reports whether a status says that the request was not looked at
// and may come later.
func throttles(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusTooEarly
}

// transient reports whether a status says that the same request may do better
// in a moment.
func transient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout, statusReadTimeout, statusConnectTimeout:
		return true
	}
	return status >= firstOriginStatus && status <= lastOriginStatus
}

// leavesOpen reports whether a status says nothing of whether a write was done.
func leavesOpen(status int) bool {
	switch status {
	case http.StatusRequestTimeout, statusNoResponse, statusClientGone, statusClientClosed:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return !isFinal(status) || status >= firstServerErrorStatus
}
