package main

import (
	"encoding/pem"
	"net/http"
)

// routes are all that is below consolePath.
func (c *console) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+consolePath+"{$}", c.page)
	mux.HandleFunc("POST "+consolePath+"do/{action}", c.do)
	mux.HandleFunc("GET "+consolePath+"events", c.ticks)
	mux.HandleFunc("GET "+consolePath+"certificate.pem", c.certificate)
	mux.Handle("GET "+consolePath+"{file}", static())
	c.addEndpoints(mux)
	return mux
}

func (c *console) addEndpoints(mux *http.ServeMux) {
	for _, e := range endpoints {
		pattern := e.method + " " + apiPath + e.path
		if e.path == "" {
			pattern += "{$}"
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxJSON)
			answer, err := e.serve(c, r)
			if r.Method != http.MethodGet {
				c.changes.Add(1)
			}
			if err != nil {
				replyProblem(w, r, err)
				return
			}
			reply(w, r, http.StatusOK, answer)
		})
	}
	mux.HandleFunc("GET "+apiPath+"requests/stream", c.stream)
	mux.HandleFunc(apiPath, func(w http.ResponseWriter, r *http.Request) {
		replyProblem(w, r, missing("there is no such call; cmd/wisesim/README.md lists them"))
	})
}

// endpoint is one call of the JSON for scripts. serve returns what is answered, or
// a *problem.
type endpoint struct {
	method, path string
	serve        func(*console, *http.Request) (any, error)
}

// endpoints are all of them but the stream; README.md lists them.
var endpoints = []endpoint{
	{"GET", "", (*console).describe},
	{"GET", "client", (*console).client},
	{"POST", "access-token", (*console).applicationToken},

	{"GET", "users", (*console).listUsers},
	{"POST", "users", (*console).createUser},
	{"GET", "users/{id}", (*console).showUser},
	{"POST", "users/{id}/factors", (*console).enrolUser},
	{"POST", "users/{id}/access-token", (*console).userToken},
	{"POST", "users/{id}/registration-code", (*console).registrationCode},
	{"POST", "users/{id}/authorization-code", (*console).authorizationCode},
	{"POST", "users/{id}/one-time-token", (*console).oneTimeToken},
	{"POST", "users/{id}/withdraw-tokens", (*console).withdrawTokens},
	{"POST", "users/{id}/reclaim-account", (*console).reclaimAccount},

	{"GET", "requests", (*console).listRequests},
	{"DELETE", "requests", (*console).clearRequests},

	{"GET", "protected-calls", (*console).listProtected},
	{"POST", "protected-calls", (*console).protect},
	{"DELETE", "protected-calls", (*console).unprotect},
	{"GET", "faults", (*console).listFaults},
	{"POST", "faults", (*console).inject},
	{"DELETE", "faults", (*console).clearFaults},

	{"POST", "expire-tokens", (*console).expireTokens},
	{"POST", "rotate-key", (*console).rotateKey},
	{"POST", "advance", (*console).advance},
	{"POST", "retire", (*console).retire},
	{"POST", "reset", (*console).resetAll},
	{"POST", "save", (*console).saveNow},
}

// certificate is what clients have to trust.
func (c *console) certificate(w http.ResponseWriter, _ *http.Request) {
	certificate := c.srv.Certificate()
	if certificate == nil {
		http.Error(w, "wisesim runs without -tls", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
}
