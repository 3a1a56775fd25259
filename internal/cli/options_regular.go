package cli

func regularOptions() []option {
	return []option{
		{
			name: "batch-norm", key: "batch_norm", at: func(c *call) any { return &c.config.BatchNorm },
			help: "normalise each hidden layer by its batch, before the activation",
		},
		{
			name: "dropout", key: "dropout", value: "chance", at: func(c *call) any { return &c.config.Dropout },
			help: "drop values of hidden layers with a chance while training, such as 0.2",
		},
		{
			name: "corrupt", key: "corrupt", value: "kind:number", at: func(c *call) any { return &c.config.Corrupt },
			help: "learn to restore rows from gaussian:0.5, mask:0.3 or saltpepper:0.1",
		},
		{
			name: "sparse", key: "sparse", value: "kind:number", at: func(c *call) any { return &c.config.Sparse },
			help: "sparse codes: l1:1e-4, kl:0.05:1e-3 (rate, weight; with --activation sigmoid --activate-code) or topk:8",
		},
		{
			name: "code-l2", key: "code_l2", value: "weight", at: func(c *call) any { return &c.config.CodeL2 },
			help: "weight of half the squared norm of codes",
		},
		{
			name: "l1", key: "l1", value: "weight", at: func(c *call) any { return &c.config.L1 },
			help: "weight of the absolute values of weights",
		},
		{
			name: "l2", key: "l2", value: "weight", at: func(c *call) any { return &c.config.L2 },
			help: "weight of the squares of weights",
		},
	}
}
