package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// far is a simulator that is a round trip away, and the customers' tokens.
type far struct {
	network *distance
	wise    *usersecuritytest.Server
	store   *usersecurity.MemoryTokenStore
	backend *usersecurity.Client // which customers have linked their accounts with
	user    usersecurity.UserID  // the last one
}

func newFar() (*far, error) {
	f := &far{network: newDistance(), store: usersecurity.NewMemoryTokenStore()}
	f.wise = usersecuritytest.NewServer(usersecuritytest.WithTLS(), usersecuritytest.WithListener(f.network))
	var err error
	f.backend, err = f.client()
	return f, err
}

func (f *far) close() {
	f.backend.CloseIdleConnections()
	f.wise.Close()
	f.network.carriers.Wait()
}

// client is one that has just been started.
func (f *far) client() (*usersecurity.Client, error) {
	return usersecurity.New(append(f.wise.Options(),
		usersecurity.WithHTTPClient(&http.Client{Transport: f.network.transport(f.wise.HTTPClient())}),
		usersecurity.WithUserTokenStore(f.store))...)
}

// customer makes one who has no PIN, and whose access token is good or has to be renewed.
func (f *far) customer(ctx context.Context, renew bool) (usersecurity.Profile, error) {
	f.user++
	f.wise.AddUser(f.user)
	p := usersecurity.Profile{User: f.user, ID: f.wise.Profile(f.user)}
	code, err := usersecurity.NewRegistrationCode(f.wise.RegistrationCode(f.user))
	if err != nil {
		return p, err
	}
	if _, err := f.backend.UserTokens.ExchangeRegistrationCode(ctx, "customer@bank.example", code); err != nil || !renew {
		return p, err
	}
	_, err = f.store.Update(ctx, f.user, func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		now.Expiry = time.Now().Add(-time.Hour)
		return now, nil
	})
	return p, err
}

// firstCall is what is measured: the first sealed call of a client.
type firstCall struct {
	name       string
	renew      bool // the customer's token has to be renewed
	warm       bool
	sequential bool // by hand
}

var firstCalls = []firstCall{
	{byHand + ", one after the other", true, false, true},
	{library, true, false, false},
	{library + ", after Warm, the customer's token renewed", true, true, false},
	{library + ", after Warm, the customer's token at hand", false, true, false},
}

// coldSample is what one first call took.
type coldSample struct {
	took            time.Duration
	requests, dials int
}

func (s coldSample) ms() float64 { return float64(s.took) / float64(time.Millisecond) }

// roundTrips is how many the call waited for; what is left over is the machine's own
// time.
func (s coldSample) roundTrips() int { return int(s.took / roundTrip) }

func (f *far) take(c firstCall) (s coldSample, err error) {
	ctx := context.Background()
	p, err := f.customer(ctx, c.renew)
	if err != nil {
		return s, err
	}
	call, done, err := f.prepared(ctx, c, p)
	if err != nil {
		return s, err
	}
	defer done()
	requests, dials, began := len(f.wise.Requests()), f.network.dials.Load(), time.Now()
	if err := call(); err != nil {
		return s, err
	}
	s = coldSample{time.Since(began), len(f.wise.Requests()) - requests, int(f.network.dials.Load() - dials)}
	if state, _ := f.wise.User(p.User); !state.PinSet {
		err = fmt.Errorf("%s: there is no PIN", c.name)
	}
	return s, err
}

// prepared makes a client as cold or warm as it is to be.
func (f *far) prepared(ctx context.Context, c firstCall, p usersecurity.Profile) (call func() error, done func(), err error) {
	if c.sequential {
		tokens, err := f.store.Load(ctx, p.User)
		if err != nil {
			return nil, nil, err
		}
		transport := f.network.transport(f.wise.HTTPClient())
		s := sequential{&http.Client{Transport: transport}, f.wise.URL(), f.wise.ClientID(), f.wise.ClientSecret()}
		return func() error { return s.createPin(p.ID, tokens.RefreshToken) }, transport.CloseIdleConnections, nil
	}
	client, err := f.client()
	if err == nil && c.warm {
		err = client.Warm(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	pin, err := usersecurity.NewPin("0417")
	return func() error { return client.SCA.CreatePin(ctx, p, pin) }, client.CloseIdleConnections, err
}

func coldTable(s settings) (table, error) {
	f, err := newFar()
	if err != nil {
		return table{}, err
	}
	defer f.close()
	samples := make([][]coldSample, len(firstCalls))
	for range s.rounds {
		for i, c := range firstCalls {
			got, err := f.take(c)
			if err != nil {
				return table{}, fmt.Errorf("%s: %w", c.name, err)
			}
			samples[i] = append(samples[i], got)
		}
	}
	t := table{columns: []string{"", "first sealed call, ms", "rounds", "over the floor", "rounds", "round trips", "requests", "dials"}}
	for i, c := range firstCalls {
		line := append([]string{c.name}, spannedOf("%.0f", samples[i], coldSample.ms)...)
		line = append(line, spanned("%.2f", over(samples[i], samples[0], coldSample.ms))...)
		t.lines = append(t.lines, append(line,
			whole(median(samples[i], func(s coldSample) float64 { return float64(s.roundTrips()) })),
			whole(median(samples[i], func(s coldSample) float64 { return float64(s.requests) })),
			whole(median(samples[i], func(s coldSample) float64 { return float64(s.dials) }))))
	}
	return t, nil
}
