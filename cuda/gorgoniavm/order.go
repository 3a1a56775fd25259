//go:build !cpu

package gorgoniavm

import (
	"errors"
	"fmt"

	G "gorgonia.org/gorgonia"
)

// order is a graph's nodes, each behind those that it reads.
type order struct {
	nodes    []*G.Node
	children map[*G.Node]G.Nodes
	readers  map[*G.Node]G.Nodes // nodes that read a node, but for gorgonia.Read
}

// sorted sorts a graph, or a part of one as SubgraphRoots makes it: by the nodes'
// own children.
func sorted(g *G.ExprGraph) (*order, error) {
	if g == nil {
		return nil, errors.New("gorgoniavm: the graph is nil")
	}
	o := &order{children: make(map[*G.Node]G.Nodes), readers: make(map[*G.Node]G.Nodes)}
	for _, n := range g.AllNodes() {
		if err := o.visit(n); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// visit adds a node behind all that it hangs on, without recursion: graphs can be
// some hundred thousand nodes deep.
func (o *order) visit(n *G.Node) error {
	type step struct {
		node *G.Node
		next int // of its children
	}
	if _, known := o.children[n]; known {
		return nil
	}
	way := []step{{node: n}}
	for len(way) > 0 {
		at := &way[len(way)-1]
		if at.next == 0 {
			children, err := childrenOf(at.node)
			if err != nil {
				return fmt.Errorf("gorgoniavm: node %q: %w", at.node.Name(), err)
			}
			o.children[at.node] = children
		}
		if children := o.children[at.node]; at.next < len(children) {
			child := children[at.next]
			at.next++
			if !isRead(at.node) {
				o.readers[child] = append(o.readers[child], at.node)
			}
			if _, known := o.children[child]; !known {
				way = append(way, step{node: child})
			}
			continue
		}
		o.nodes = append(o.nodes, at.node)
		way = way[:len(way)-1]
	}
	return nil
}
