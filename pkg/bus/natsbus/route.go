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

type busMessageKey struct{}

// route runs h one message at a time in a Watermill router.
func (l *lane) route(ctx context.Context, h bus.Handler) error {
	quiet := watermill.NewSlogLoggerWithLevelMapping(l.log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: l.bus.opts.Grace + l.bus.opts.Timeout}, quiet)
	if err != nil {
		return fault.Wrap(err, fault.Internal, fault.Unclassified, "make router")
	}
	sub := l.subscriber()
	router.AddMiddleware(keepResult, middleware.Recoverer) // the first is the outermost
	router.AddConsumerHandler(string(l.name), string(l.name), sub, func(wm *message.Message) error {
		bm, ok := wm.Context().Value(busMessageKey{}).(bus.Message)
		if !ok {
			return fault.New(fault.Internal, fault.Unclassified, "router lost the message")
		}
		return l.results(wm.Context(), []bus.Message{bm}, h)[0]
	})
	if err := router.Run(ctx); err != nil {
		return classify("consume "+string(l.name), err)
	}
	if ctx.Err() == nil {
		return classify("consume "+string(l.name), jetstream.ErrConsumerNotFound)
	}
	return nil
}

// keepResult remembers the handler's error for the subscriber, which settles by its kind.
func keepResult(next message.HandlerFunc) message.HandlerFunc {
	return func(wm *message.Message) ([]*message.Message, error) {
		out, err := next(wm)
		if res, ok := wm.Context().Value(resultKey{}).(*result); ok {
			res.err = err
		}
		return out, err
	}
}

func (l *lane) subscriber() *subscriber {
	return &subscriber{
		open: func(context.Context, string) (jetstream.Consumer, error) { return l.cons, nil },
		read: func(ctx context.Context, m jetstream.Msg) (*message.Message, error) {
			bm, err := l.decode(m)
			if err != nil {
				return nil, err
			}
			return readWatermill(context.WithValue(ctx, busMessageKey{}, bm), m)
		},
		bad: func(ctx context.Context, m jetstream.Msg, err error) {
			book, cancel := l.settling(ctx)
			defer cancel()
			bm, _ := l.decode(m) // what can be told about it
			l.refuse(book, m, bm, err)
		},
		end: func(ctx context.Context, m jetstream.Msg, wm *message.Message, err error) {
			book, cancel := l.settling(ctx)
			defer cancel()
			bm, _ := wm.Context().Value(busMessageKey{}).(bus.Message)
			l.settle(book, m, bm, err)
		},
		slots: 1, grace: l.bus.opts.Grace, log: l.log, closing: make(chan struct{}),
	}
}
