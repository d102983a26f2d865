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
// usersecurity.CreatePin. It lasts from the start of the call to its end, waits
// included; its parent is the span in the context that the method was given.
// Every attempt is an event usersecurity.attempt of that span, at the time its
// answer was there. What the client does for its own needs has spans as well:
// FetchToken, FetchWiseKey, and ListPhoneNumbers where a phone number is looked
// up before it is written again. Those are siblings of the span of the call they
// serve, as that span is not made before its call has ended.
//
// A call isn't an HTTP request: it may send several, or none. Its span therefore
// leaves out method and URL, and takes from the HTTP conventions what fits: of
// the last answer http.response.status_code, and http.request.resend_count if
// there was more than one request. Spans of the single requests come from an
// instrumented transport, given to usersecurity.WithHTTPClient; what such a
// transport records of the URL holds the user's id.
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
// http.response.status_code where an answer came; the first and the last have
// usersecurity.uncertain where it is true. Each combines values of small fixed
// sets. The buckets of the histogram are those of http.client.request.duration,
// and two more, as a call may take the minute it has.
//
// # What is left out
//
// No URL, id of a user, header, body or token is in any span or metric. The
// trace id of Wise's and the correlation id, by which one call is found again,
// are in spans only.
package usersecurityotel
