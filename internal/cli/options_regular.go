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
	}
}
