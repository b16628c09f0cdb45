package natsbus

import (
	"context"
	"log/slog"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// route runs h in a Watermill router until ctx ends.
func (l *lane) route(ctx context.Context, batch bus.Batch, h bus.Handler) error {
	lines := watermill.NewSlogLoggerWithLevelMapping(l.log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug, slog.LevelError: slog.LevelDebug})
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: l.bus.opts.Grace + l.bus.opts.Timeout}, lines)
	if err != nil {
		return fault.Wrap(err, fault.Internal, fault.Unclassified, "make router")
	}
	router.AddMiddleware(keepError, middleware.Recoverer) // the first is the outermost
	router.AddConsumerHandler(string(l.name), string(l.name), l.subscriber(batch, h), func(wm *message.Message) error {
		p := parcelOf(wm)
		if p == nil {
			return fault.New(fault.Internal, fault.Unclassified, "the router lost the message")
		}
		return p.joint.wait(p.at)
	})
	if err := router.Run(ctx); err != nil {
		return classify("consume "+string(l.name), err)
	}
	if ctx.Err() == nil {
		return classify("consume "+string(l.name), jetstream.ErrConsumerNotFound)
	}
	return nil
}

// keepError remembers the handler's error for the subscriber, which settles by its kind.
func keepError(next message.HandlerFunc) message.HandlerFunc {
	return func(wm *message.Message) ([]*message.Message, error) {
		out, err := next(wm)
		if p := parcelOf(wm); p != nil {
			p.err = err
		}
		return out, err
	}
}

func (l *lane) subscriber(batch bus.Batch, h bus.Handler) *subscriber {
	return &subscriber{
		open: func(context.Context, string) (*lane, error) { return l, nil },
		read: func(p *parcel) (err error) {
			if p.bm, err = l.decode(p.m); err == nil {
				p.wm, err = readWatermill(p.m)
			}
			return err
		},
		bad: func(ctx context.Context, p *parcel, err error) {
			book, cancel := l.settling(ctx)
			defer cancel()
			l.refuse(book, p.m, p.bm, err)
		},
		end: func(ctx context.Context, p *parcel, err error) {
			book, cancel := l.settling(ctx)
			defer cancel()
			l.settle(book, p.m, p.bm, err)
		},
		run:   func(ctx context.Context, ms []bus.Message) []error { return l.results(ctx, ms, h) },
		batch: batch, grace: l.bus.opts.Grace, closing: make(chan struct{}),
	}
}
