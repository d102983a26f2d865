// Package usersecurityotel turns what a usersecurity client reports into
// OpenTelemetry spans and metrics. It is a module of its own, so that programs
// without OpenTelemetry need none of it.
//
//	observer, err := usersecurityotel.New()
//	…
//	client, err := usersecurity.New(
//		usersecurity.WithObserver(observer),
//		…
//	)
//
// # Spans
//
// Every call is one span of kind client, named after its operation, such as
// usersecurity.CreatePin or usersecurity.SCA.CreatePin. It lasts from the start
// of the call to its end, waits included; its parent is the span in the context
// that the method was given. Every attempt is an event usersecurity.attempt of
// that span, at the time its response was there.
//
// The span is in the context that the call goes on with, so what the call causes
// nests under it: what the client does for its own needs, which is FetchToken,
// FetchWiseKey, and ListPhoneNumbers where a phone number is looked up before it
// is written again; whatever a source of tokens or keys does; and the requests of
// an instrumented transport. A token or key that several calls wait for is
// fetched under the one that began it, and may outlast it.
//
// ClearChallenges is a span too, of kind internal, with its calls inside and
// whatever the callbacks do. It has no attempts of its own, and lasts as long as
// the customer takes.
//
// An observer that wraps this one must pass CallStarted on
// (usersecurity.CallStarter). Otherwise the span is made when its call is over:
// nothing nests under it, and it has no events.
//
// # Spans of requests
//
// A call isn't an HTTP request: it may send several, or none. Its span therefore
// leaves out method and URL, and takes from the HTTP conventions what fits: of
// the last response http.response.status_code, and http.request.resend_count if
// there was more than one request. Spans of the single requests come from an
// instrumented transport, such as that of otelhttp, around
// usersecurity.NewTransport and given to usersecurity.WithHTTPClient. Two things
// to know of it: what it records of the URL holds the ids of users, profiles and
// phone numbers; and it sends what the global propagators have, baggage included,
// to Wise, unless it is given an empty one, as in the example.
//
// # What is an error
//
// The status of a span is Error exactly where the method returned an error, and
// error.type is then the usersecurity.ErrorClass, such as pin_already_set. That
// holds for refusals too: nothing here can tell a customer who taps twice from
// a backend that has lost track, and the conventions ask for Error on a 4xx at a
// client. Alert on the classes that matter, not on all of them. An attempt that
// failed and was repeated with success leaves no error on the span, only on its
// event. A repeated delete that is answered with 404 is a success, as it is to
// the caller.
//
// not_in_version with the status 410 means that Wise has turned the operation off,
// and without a status that the client's version doesn't have it.
//
// usersecurity.uncertain is true where nobody knows whether Wise did it, or
// whether one of the call's earlier attempts had. It is what to be woken for.
//
// # Metrics
//
//	usersecurity.client.call.duration  s          histogram, of calls
//	usersecurity.client.attempts       {attempt}  counter, of requests
//	usersecurity.client.errors         {error}    counter, of calls that failed
//
// All have usersecurity.operation, and error.type on failure. The first two have
// http.response.status_code where a response came; the first and the last have
// usersecurity.uncertain where it is true. Each combines values of small fixed
// sets. The buckets of the histogram are those of http.client.request.duration,
// and two more, as a call may take the minute it has. The first and the last count
// ClearChallenges as a call, besides those inside it.
//
// # What is left out
//
// No URL, id of a user, header, body or token is in any span or metric. The
// trace id of Wise's and the correlation id, by which one call is found again,
// are in spans only.
package usersecurityotel
