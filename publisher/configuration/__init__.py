"""What single settings say: the cloud, schedules, storage accounts and the data collection rule, offers, signatures."""
