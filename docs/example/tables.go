package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
)

// sensors writes a table of a pump's sensors: what it is told (speed, valve)
// and the weather say all others. One row in a hundred is strange, as its last
// column says: a sensor that drifts, or flow that goes its own way.
func sensors(w io.Writer) {
	const rows, strange = 20_000, 100
	r := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintln(w, "speed,valve,outside,flow,pressure,current,power,vibration,bearing,oil,inlet,outlet,pump,state")
	for i := range rows {
		speed, valve, outside := 900+600*r.Float64(), 0.2+0.8*r.Float64(), 5+25*r.Float64()
		pump, wear := []string{"a", "b", "c"}[r.IntN(3)], r.Float64()
		noise := func(size float64) float64 { return size * r.NormFloat64() }
		flow := 0.08*speed*math.Sqrt(valve) + noise(0.6)
		pressure := 4e-6*speed*speed*(1.2-valve) + noise(0.05)
		current := 2 + 0.03*flow*pressure + noise(0.1)
		power := 0.4*current*(1+0.1*math.Sin(speed/200)) + noise(0.05)
		vibration := 0.5 + wear*math.Pow(speed/1500, 2) + noise(0.02)
		bearing := outside + 20*vibration + noise(0.4)
		oil := outside + 0.012*speed + noise(0.4)
		inlet := outside - 2 + noise(0.2)
		outlet := inlet + 0.5*power + noise(0.2)
		state := "normal"
		if i%strange == strange/2 {
			switch state = "strange"; r.IntN(3) {
			case 0:
				bearing += 25
			case 1:
				flow *= 0.6
			case 2:
				oil, outlet = oil-12, outlet+8
			}
		}
		fmt.Fprintf(w, "%.0f,%.2f,%.1f,%.1f,%.2f,%.2f,%.2f,%.3f,%.1f,%.1f,%.1f,%.1f,%s,%s\n",
			speed, valve, outside, flow, pressure, current, power, vibration, bearing, oil, inlet, outlet, pump, state)
	}
}

// metrics writes a line a minute of a service over a week: requests by the time
// of day, and what follows from them. On the sixth day latency does not go with
// the load for two hours, as where answers are stale ones, on the seventh errors
// come in waves for one.
func metrics(w io.Writer) {
	const day = 24 * 60
	r := rand.New(rand.NewPCG(3, 4))
	fmt.Fprintln(w, "requests,latency,errors,cpu,memory,state")
	memory := 40.0
	for minute := range 7 * day {
		hour := 2 * math.Pi * float64(minute%day) / day
		requests := 500 - 350*math.Cos(hour) + 60*math.Sin(3*hour) + 25*r.NormFloat64()
		cpu := 8 + requests/14 + 1.5*r.NormFloat64()
		latency := 20 + 4e-5*requests*requests + 1.5*r.NormFloat64()
		errors := 0.4 + requests/900 + 0.15*r.NormFloat64()
		memory += 0.02*(35+requests/60-memory) + 0.1*r.NormFloat64()
		state := "normal"
		switch {
		case minute >= 5*day+600 && minute < 5*day+720:
			state = "stale"
			latency = 62 - latency/2
		case minute >= 6*day+840 && minute < 6*day+900:
			state = "failing"
			errors += 1.5 + 1.5*math.Sin(float64(minute)/3)
		}
		fmt.Fprintf(w, "%.0f,%.1f,%.2f,%.1f,%.1f,%s\n", requests, latency, errors, cpu, memory, state)
	}
}
