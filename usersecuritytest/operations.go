package usersecuritytest

import (
	"slices"

	"github.com/wise-partner/usersecurity"
)

// Operations returns what a request to the server can stand for, and a [Fault] can
// be about, in the alphabet's order.
func (s *Server) Operations() []usersecurity.Operation {
	var list []usersecurity.Operation
	for i := range s.router.routes {
		if op := s.router.routes[i].operation; op != "" {
			list = append(list, op)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
