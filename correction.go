package usersecurity

import (
	"context"
	"errors"
	"net/http"
	"sync"
)

// asker is whom corrections ask for other tokens and keys.
type asker interface {
	// askToken returns another access token than the rejected one, if there is one.
	askToken(ctx context.Context, rejected string) (string, error)
	// mayAskAgain reports whether there may be yet another token where the one that
	// came in the place of another was rejected as well.
	mayAskAgain(rejected string) bool
	// askKey returns Wise's key, and asks Wise anew if it is the rejected one.
	askKey(ctx context.Context, rejected *WiseKey) (*WiseKey, error)
}

// corrections change what a response says is wrong with a request, so that it
// can be sent again at once.
type corrections struct {
	ask       asker
	plaintext []byte // of a sealed body
	sealed    bool
	relayed   bool // what a device sealed, only the device can seal again

	given     bool // the token is the caller's: there is no other
	refreshes int  // how often a fresh token was asked for
	turned    bool // the other method was tried, or none can be
	rekeys    int  // how often Wise had another key
	lastKey   bool // Wise was asked, and has no other key than the one in use

	err error // why the last one could not be made
}

// correction is one of them: when it applies and what it does. It reports
// whether the request can be sent again.
type correction struct {
	status  int
	applies func(c *corrections, o *outfit) bool
	make    func(c *corrections, ctx context.Context, o *outfit) bool
}

var allCorrections = []correction{
	{http.StatusUnauthorized, (*corrections).hasToken, (*corrections).refreshToken},
	{http.StatusMethodNotAllowed, (*corrections).hasMethod, (*corrections).changeMethod},
	{http.StatusInternalServerError, (*corrections).hasKey, (*corrections).replaceKey},
}

// find returns the correction that a result asks for. What isn't Wise's word
// corrects nothing: a gateway's page must not void every customer's token.
func (c *corrections) find(r *result, o *outfit) *correction {
	if !r.responded || r.refusal == nil || r.refusal.Foreign {
		return nil
	}
	for i := range allCorrections {
		if found := &allCorrections[i]; found.status == r.status && found.applies(c, o) {
			return found
		}
	}
	return nil
}

func (c *corrections) hasToken(o *outfit) bool {
	if c.given || o.op.token == ownAuthorization || c.refreshes == maxRefreshes {
		return false
	}
	return c.refreshes == 0 || c.ask.mayAskAgain(o.token)
}

// maxRefreshes bounds the tokens that a call asks for after a 401.
const maxRefreshes = 2

// refreshToken gets a fresh token for a call that was answered with 401.
func (c *corrections) refreshToken(ctx context.Context, o *outfit) bool {
	c.refreshes++
	token, err := c.ask.askToken(ctx, o.token)
	if err != nil {
		var source *sourceError
		if errors.As(err, &source) {
			err = source.afterSending()
		}
		c.err = err
		return false
	}
	if token == o.token {
		return false
	}
	o.token = token
	return true
}

func (c *corrections) hasMethod(o *outfit) bool { return o.op.orMethod != "" && !c.turned }

// changeMethod turns to the other method. A 405 proves that nothing was done.
func (c *corrections) changeMethod(_ context.Context, o *outfit) bool {
	c.turned = true
	if o.method == o.op.method {
		o.method = o.op.orMethod
	} else {
		o.method = o.op.method
	}
	return true
}

// maxRekeys bounds the keys that one call follows Wise through: more rotations
// than that during one call are a mistake somewhere.
const maxRekeys = 3

func (c *corrections) hasKey(*outfit) bool {
	return (c.sealed || c.relayed) && !c.lastKey && c.rekeys < maxRekeys
}

// replaceKey gets Wise's key anew, once for every key that was used, when a
// sealed request was answered with 500, which may mean that Wise could not open
// it. It seals the request again if Wise has another key.
func (c *corrections) replaceKey(ctx context.Context, o *outfit) bool {
	used := o.key
	if c.relayed {
		// Nothing tells which key the device used; most likely the one it could
		// get here. The new one is for what the device seals next.
		used, _ = c.ask.askKey(ctx, nil)
		_, _ = c.ask.askKey(ctx, used)
		c.lastKey = true
		return false
	}
	key, err := c.ask.askKey(ctx, used)
	if err != nil || key.same(used) {
		c.lastKey = true
		return false
	}
	c.rekeys++
	return o.seal(key, c.plaintext) == nil
}

// methodMemory says by which method Wise answers operations that have two.
type methodMemory struct {
	fixed  map[Operation]string // by the partner's choice
	turned sync.Map             // Operation: Wise was found to want the other one
}

func (m *methodMemory) isFixed(op *operation) bool { return m.fixed[op.name] != "" }

func (m *methodMemory) method(op *operation) string {
	if op.orMethod == "" {
		return op.method
	}
	if fixed := m.fixed[op.name]; fixed != "" {
		return fixed
	}
	if _, turned := m.turned.Load(op.name); turned {
		return op.orMethod
	}
	return op.method
}

// learn takes a method that has brought a documented answer. Anything less, such
// as a gateway's 503, proves nothing.
func (m *methodMemory) learn(op *operation, method string) {
	if method == op.method {
		m.turned.Delete(op.name)
		return
	}
	m.turned.Store(op.name, true)
}
