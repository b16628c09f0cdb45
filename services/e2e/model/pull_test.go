package model

import (
	"context"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
)

type puller struct {
	wire
	c bus.Consumer
}

func (p puller) Lease() time.Duration { return 0 }
func (p puller) Close() error         { return nil }

func (p puller) Fetch(ctx context.Context, limit int, linger time.Duration) ([]bus.Delivery, error) {
	got := p.take(ctx, p.p, p.c, limit, time.Now().Add(linger))
	if p.p.gone() {
		return nil, errGone
	}
	out := make([]bus.Delivery, len(got))
	for i, m := range got {
		out[i] = delivery{p, m, m.msg}
	}
	return out, nil
}

type delivery struct {
	puller
	m   *mail
	msg bus.Message
}

func (d delivery) Message() bus.Message { return d.msg }
func (d delivery) Working() error       { return nil }

func (d delivery) end(f func()) error {
	return d.p.step(func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.m.out != d.p {
			return errors.New("not yours any more")
		}
		f()
		return nil
	})
}

func (d delivery) Ack(context.Context) error { return d.end(func() { d.remove(d.c, d.m) }) }

func (d delivery) Retry(_ context.Context, after time.Duration) error {
	return d.end(func() { d.retry(d.c, d.m, after) })
}

func (d delivery) Bury(_ context.Context, l event.Dead) error {
	return d.end(func() {
		d.dead = append(d.dead, l)
		d.remove(d.c, d.m)
	})
}
