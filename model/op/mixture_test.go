package op

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
)

// Draws without noise are the centres, each for its share of uniform numbers.
func TestMixtureCentres(t *testing.T) {
	for _, k := range []int{2, 3, 10, MostComponents} {
		m := Mixture{Components: k}
		radius, deviation, _, _ := m.Constants()
		if apart := 2 * radius * math.Sin(math.Pi/float64(k)); math.Abs(apart/deviation-5) > 1e-12 {
			t.Errorf("%d Gaussians: neighbours are %v deviations apart, want 5", k, apart/deviation)
		}
		for i := range k {
			var z, noise [2]float32
			m.Move(z[:], noise[:], (float32(i)+0.5)/float32(k))
			angle := 2 * math.Pi * float64(i) / float64(k)
			if math.Abs(float64(z[0])-3*math.Cos(angle)) > 1e-5 || math.Abs(float64(z[1])-3*math.Sin(angle)) > 1e-5 {
				t.Errorf("centre %d of %d is %v", i, k, z)
			}
		}
		var last, z, noise [2]float32
		m.Move(last[:], noise[:], (float32(k)-0.5)/float32(k))
		if m.Move(z[:], noise[:], 1-1./(1<<24)); z != last { // times k it is rounded to k
			t.Errorf("the largest uniform number gives %v of %d centres, want the last, %v", z, k, last)
		}
	}
}

func TestMixtureRefuses(t *testing.T) {
	mix := func(k int, normal, uniform []int) func(node func(...int) *G.Node) (*G.Node, error) {
		return func(node func(...int) *G.Node) (*G.Node, error) {
			return Mix(node(normal...), node(uniform...), Mixture{k})
		}
	}
	refused(t, []build{
		{name: "one", want: "want 2 to 100", add: mix(1, []int{3, 2}, []int{3, 1})},
		{name: "many", want: "want 2 to 100", add: mix(101, []int{3, 2}, []int{3, 1})},
		{name: "width", want: "normal (B,2)", add: mix(3, []int{3, 3}, []int{3, 1})},
		{name: "rows", want: "uniform (B,1)", add: mix(3, []int{3, 2}, []int{2, 1})},
	})
}
