package main

import (
	"context"
	"encoding/json"

	"github.com/wise-partner/usersecurity"
)

var getRow = timedRow{
	name: "get", about: "a GET with a small JSON reply, stub transport",
	setup: func() ([]contestant, func(), error) {
		callers, err := stubCallers(jsonAnswer)
		if err != nil {
			return nil, nil, err
		}
		ctx := context.Background()
		var contestants []contestant
		for _, name := range everyone {
			contestants = append(contestants, contestant{name, func() error {
				_, err := callers[name].list(ctx, user)
				return err
			}})
		}
		return contestants, func() {}, nil
	},
}

var postRow = timedRow{
	name: "post", about: "a POST answered 204, stub transport",
	setup: func() ([]contestant, func(), error) {
		callers, err := stubCallers(emptyAnswer)
		if err != nil {
			return nil, nil, err
		}
		faceMap, err := usersecurity.NewFaceMap([]byte{0, 1, 2})
		if err != nil {
			return nil, nil, err
		}
		ctx := context.Background()
		var contestants []contestant
		for _, name := range everyone {
			body := any(json.RawMessage(smallFaceMap)) // for everybody it stands ready
			if name == library {
				body = faceMap
			}
			contestants = append(contestants, contestant{name, func() error { return callers[name].enrol(ctx, body) }})
		}
		return contestants, func() {}, nil
	},
}
