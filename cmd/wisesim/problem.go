package main

import "net/http"

// problem is what is wrong with what somebody asked for.
type problem struct {
	status int
	text   string
}

func (p *problem) Error() string { return p.text }

func invalid(text string) error  { return &problem{http.StatusBadRequest, text} }
func conflict(text string) error { return &problem{http.StatusConflict, text} }
func missing(text string) error  { return &problem{http.StatusNotFound, text} }
