package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"tarasul/configs"
	"tarasul/sfu"
	"tarasul/signaling"
	"tarasul/signaling/admin"
	"tarasul/signaling/certificate"
	"tarasul/signaling/identity"
	"tarasul/signaling/metrics"
	"tarasul/signaling/store"
	"tarasul/web"
)

// serve runs the server until ctx ends.
func (c console) serve(ctx context.Context, args []string) (err error) {
	started := time.Now()
	cfg, demo, err := c.serveConfig(args)
	if err != nil {
		return err
	}
	log := slog.New(cfg.Log.Handler(c.err))

	// All addresses first: one that is taken is the likeliest mistake, and nothing should
	// have been touched when it is reported.
	doors, err := signaling.Listen(cfg.Signaling)
	if err != nil {
		return taken(err, "--http or --https")
	}
	defer doors.Close()
	operators, err := admin.Listen(cfg.Admin)
	if err != nil {
		return taken(err, "--admin")
	}
	if operators != nil {
		defer operators.Close()
	}
	media, err := sfu.New(cfg.Media, log)
	if err != nil {
		return taken(err, "--media")
	}
	// The core outlives the service, which ends its sessions; when it ends by itself, the
	// service has nothing to stand on.
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	core, stopCore := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	var coreErr error
	running.Go(func() {
		defer giveUp()
		coreErr = media.Run(core)
	})
	defer func() {
		stopCore()
		running.Wait()
		err = errors.Join(err, coreErr)
	}()

	h, err := openHouse(ctx, cfg)
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("another tarasul runs on this data: %w; give this one another with --data", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.db.Close()) }()
	if err := h.cards.Recover(ctx); err != nil {
		return err
	}
	parts, err := h.parts(ctx, cfg, demo, doors.Secure(), media, log)
	if err != nil {
		return err
	}
	server, err := signaling.New(cfg.Signaling, parts)
	if err != nil {
		return err
	}
	sources := metrics.Sources{Version: version, Service: server.Stats, Media: media.Stats}
	if parts.Secure != nil {
		sources.Certificate = parts.Secure.Expires
	}
	figures, err := metrics.Handler(sources)
	if err != nil {
		return err
	}
	if err := c.greet(ctx, h, parts, doors.URLs()); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Ready at %s after %d ms.\n", strings.Join(doors.URLs(), " "), time.Since(started).Milliseconds())

	// Operators are answered until the service has ended: that it drains is theirs to see.
	watch, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	var watchErr error
	running.Go(func() {
		defer giveUp()
		watchErr = admin.Serve(watch, operators, admin.Handler(figures, admin.Checks{"signaling": server.Ready}), log)
	})
	err = server.Run(ctx, doors)
	stopWatch()
	stopCore()
	running.Wait()
	return errors.Join(err, watchErr)
}

// parts is what the signaling service stands on.
func (h *house) parts(ctx context.Context, cfg configs.Config, demo, secure bool, media sfu.Media, log *slog.Logger) (signaling.Parts, error) {
	p := signaling.Parts{
		Directory: h.directory, Cards: h.cards, Threads: h.threads, Meeting: cfg.Meeting, Media: media, Log: log, Now: time.Now,
	}
	p.Client, _ = web.Files()
	var err error
	if secure {
		if p.Secure, err = certificate.Open(cfg.Certificate, filepath.Join(cfg.Data, "tls"), time.Now, log); err != nil {
			return p, err
		}
	}
	if demo {
		p.Demo, err = h.directory.SeedDemo(ctx)
		if errors.Is(err, identity.ErrNotDemo) {
			return p, fmt.Errorf("%s holds real people, among whom no demonstration belongs; give --demo another --data", cfg.Data)
		}
	}
	return p, err
}

// serveConfig reads the command line and what it names.
func (c console) serveConfig(args []string) (cfg configs.Config, demo bool, err error) {
	f := c.flags("serve", "serve [flags]", `
Runs the server until it is interrupted. Without any flag it keeps its data in ./var and
is reached at http://localhost:8080, on this machine alone. Browsers give camera and
microphone to other machines' pages only over TLS: when --http is not a loopback address,
or --https is given, the server speaks TLS with a certificate of its own authority (or
the one that is configured), and sends plain requests there.`)
	file := f.String("config", "", "read the configuration from `FILE` (see: tarasul config default)")
	f.BoolVar(&demo, "demo", false, "seed a ministry whose passwords are printed: for trying out only")
	for name, about := range map[string]string{
		"data":  "`DIR` of everything that is kept (default var)",
		"http":  "`ADDR` of the web server (default localhost:8080)",
		"https": "further `ADDR` that speaks TLS (default none)",
		"media": "first `ADDR` of media, UDP and TCP; one port per core (default " + sfu.DefaultAddress + ")",
		"admin": "`ADDR` of the operators' listener, or off (default " + admin.DefaultAddress + ")",
		"log":   "`LEVEL` of what is logged: debug, info, warn, error (default info)",
	} {
		f.String(name, "", about)
	}
	if err := f.none(args); err != nil {
		return cfg, demo, err
	}
	if cfg, err = configs.Load(*file, c.environment); err != nil {
		return cfg, demo, err
	}
	for name, to := range map[string]*string{
		"data": &cfg.Data, "http": &cfg.Signaling.HTTP, "https": &cfg.Signaling.HTTPS,
		"media": &cfg.Media.Address, "admin": &cfg.Admin.Address, "log": &cfg.Log.Level,
	} {
		if value := f.Lookup(name).Value.String(); value != "" {
			*to = value
		}
	}
	return cfg, demo, cfg.Validate()
}

// taken adds to the error of an address that is in use which flag chooses another.
func taken(err error, flag string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; choose another with %s", err, flag)
	}
	return err
}
