"""What every process of the house has, server and component: its log, signals, interpreter."""
