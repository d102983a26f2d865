package usersecuritytest

import "iter"

// RequestsBefore goes through what has arrived, the newest first, from the request
// before the one of that number; from the newest of all if number is 0. Unlike
// [Server.Requests] it copies only what it is asked for, so that a page of many
// thousands costs no more than one of a few.
func (s *Server) RequestsBefore(number int) iter.Seq[RecordedRequest] {
	return func(yield func(RecordedRequest) bool) {
		for {
			r, ok := s.log.before(number)
			if !ok || !yield(r) || r.Number == 1 {
				return
			}
			number = r.Number
		}
	}
}

// ChangedRequests returns the requests that have arrived or been answered after a
// moment, the oldest first, and the present moment, to ask with again. Moment 0 is
// the start. It doesn't wait: ask again after a while. Requests that are no longer
// remembered are missing from it.
func (s *Server) ChangedRequests(moment int64) (changed []RecordedRequest, now int64) {
	return s.log.changedSince(moment)
}

// ClearRequests forgets what has arrived. Numbers and counts go on.
func (s *Server) ClearRequests() { s.log.clear() }
