package usersecurity

// reading is how the responses to a call are read.
type reading struct {
	op      *operation
	sealing *sealing
	sealed  bool // the request was sealed here, and its key opens the reply
	relayed bool // it was sealed on a device, which opens the reply
	direct  bool // nothing but a reply sealed with the request's own key will do
	decode  func(reply) error
}

// judge finds out who speaks in a response and what it says. e is what the
// request was sealed in, if it was.
func (g *reading) judge(o *result, e *envelope) {
	switch {
	case !o.responded:
		return
	case g.op.succeeds(o.status):
		g.read(o, e)
	case o.status >= 200 && o.status <= 299:
		o.read = replyStrange
	}
	if o.isDone() {
		return
	}
	body := o.body
	if g.sealed && isCompact(body, false) {
		if opened, ok := openReply(body, e.cek[:], g.sealing.replyKeys); ok {
			body = opened
		}
	}
	o.refusal = newAPIError(g.op.name, o.status, o.header, body, o.isCut())
	if o.read == replyStrange && o.refusal.sentinel() == ErrUnexpectedReply {
		o.read = replyForeign
	}
}

// read reads the body of a success.
func (g *reading) read(o *result, e *envelope) {
	rep := reply{op: g.op.name, status: o.status, header: o.header, body: o.body, contentType: o.header.Get("Content-Type")}
	switch {
	case o.isCut():
		g.readCut(o, rep)
	case g.op.sealed && isCompact(o.body, false):
		g.readSealed(o, e, rep)
	case len(o.body) == 0 && g.op.reply == noReply:
		o.read, o.reply = replyRead, rep
	default:
		g.readUnsealed(o, rep)
	}
}

// readCut reads what has come of a body that is too large or broke off.
func (g *reading) readCut(o *result, rep reply) {
	switch {
	case g.isForeign(o) && (g.op.writes() || !o.isStalled()):
		o.read = replyForeign
	case g.op.reply == noReply:
		o.read, o.reply = replyRead, rep
	case o.tooLarge:
		o.useless(g.op, ErrReplyTooLarge)
	case g.op.writes():
		// Why it broke off is no reason to take the write for undone.
		o.useless(g.op, ErrMalformedReply)
		o.read = replyCut
	default:
		o.useless(g.op, ErrMalformedReply, o.bodyErr)
		o.read = replyCut
	}
}

// readSealed opens the reply, or passes it on to the device that can.
func (g *reading) readSealed(o *result, e *envelope, rep reply) {
	if g.mustBeDirect() && !isDirect(o.body) {
		o.useless(g.op, ErrPlaintextReply)
		return
	}
	if g.sealed {
		opened, ok := openReply(o.body, e.cek[:], g.sealing.replyKeys)
		if !ok {
			o.useless(g.op, ErrDecrypt)
			return
		}
		rep.body = opened
	}
	var err error
	if g.decode != nil {
		err = g.decode(rep)
	}
	switch {
	case g.sealed && (err != nil || g.op.reply == noReply) && g.isError(rep.body, o.status):
		o.read = replyForeign
	case err != nil:
		o.read, o.replyErr = replyUseless, err
	default:
		o.read, o.reply = replyRead, rep
	}
}

// readUnsealed decodes the reply, and looks twice at one that it can't decode:
// it may be somebody else's.
func (g *reading) readUnsealed(o *result, rep reply) {
	var err error
	if g.op.reply != noReply && !g.mustBeDirect() {
		if g.decode != nil {
			err = g.decode(rep)
		}
		if err == nil {
			o.read, o.reply = replyRead, rep
			return
		}
	}
	switch {
	case g.isForeign(o):
		o.read = replyForeign
	case g.mustBeDirect() && len(o.body) > 0:
		o.useless(g.op, ErrPlaintextReply)
	case g.op.reply == noReply:
		o.read, o.reply = replyRead, rep
	case !g.op.writes() && o.status != g.op.success:
		o.read = replyStrange
	case err == nil:
		o.useless(g.op, ErrMalformedReply)
	default:
		o.read, o.replyErr = replyUseless, err
	}
}

// isForeign reports whether the body of a success isn't Wise's reply: no JSON,
// or an error's. The playground's own reply looks like one of those.
func (g *reading) isForeign(o *result) bool {
	_, speaks := hear(g.op.name, o.status, o.body, o.isCut())
	return speaks == foreigner || speaks.accuses() && !g.direct
}

// isError reports whether what a reply was opened to is an error.
func (g *reading) isError(opened []byte, status int) bool {
	_, speaks := hear(g.op.name, status, opened, false)
	return speaks.accuses() && !g.direct
}

// mustBeDirect reports whether only a reply will do that is sealed with the
// request's own key: anybody can seal to the partner's public key.
func (g *reading) mustBeDirect() bool {
	return g.op.sealed && (g.direct || g.sealing.requireSealed && (g.sealed || g.relayed))
}
