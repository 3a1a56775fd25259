package serve

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what /metrics tells of one server.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	rows     *prometheus.CounterVec
	batch    *prometheus.HistogramVec
	waiting  *prometheus.GaugeVec
	inFlight prometheus.Gauge
}

// batchMetrics are those of one queue.
type batchMetrics struct {
	rows    prometheus.Observer
	waiting prometheus.Gauge
}

func newMetrics() *metrics {
	const names = "aegis"
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: names, Name: "requests_total", Help: "Requests that were answered, by route, model and status."}, []string{"route", "model", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: names, Name: "request_seconds", Help: "Time from a request's head to the end of its answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "model"}),
		rows:     prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: names, Name: "rows_total", Help: "Rows that requests had."}, []string{"model", "operation"}),
		batch:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: names, Name: "batch_rows", Help: "Rows that ran together.", Buckets: prometheus.ExponentialBuckets(1, 2, 11)}, []string{"model", "work"}),
		waiting:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: names, Name: "waiting_requests", Help: "Requests whose rows wait for a batch."}, []string{"model", "work"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: names, Name: "in_flight_requests", Help: "Requests that are being read or answered."}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.requests, m.seconds, m.rows, m.batch, m.waiting, m.inFlight,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

func (m *metrics) batches(model, work string) batchMetrics {
	return batchMetrics{rows: m.batch.WithLabelValues(model, work), waiting: m.waiting.WithLabelValues(model, work)}
}

// recorder knows an answer's status and length.
type recorder struct {
	http.ResponseWriter
	code  int // 0: nothing is written
	bytes int64
}

func (r *recorder) WriteHeader(code int) {
	if r.code == 0 {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// account counts and logs an exchange that has ended.
func (e *exchange) account() {
	route, took := e.path, time.Since(e.began)
	if route == "" {
		route = "other"
	}
	m := e.server.metrics
	m.requests.WithLabelValues(route, e.model, strconv.Itoa(e.w.code)).Inc()
	m.seconds.WithLabelValues(route, e.model).Observe(took.Seconds())
	log := e.server.options.Log
	if log == nil {
		return
	}
	level := slog.LevelInfo
	if e.w.code >= http.StatusInternalServerError && e.w.code != http.StatusServiceUnavailable {
		level = slog.LevelError
	}
	attributes := []slog.Attr{
		slog.String("method", clip(e.r.Method)), slog.String("path", clip(e.r.URL.Path)), slog.Int("status", e.w.code),
		slog.Int("rows", e.rows), slog.Int64("bytes", e.w.bytes), slog.Duration("took", took.Round(time.Microsecond)), slog.String("client", e.r.RemoteAddr),
	}
	if e.err != nil {
		attributes = append(attributes, slog.String("error", e.err.Error()))
	}
	log.LogAttrs(e.r.Context(), level, "request", attributes...)
}
