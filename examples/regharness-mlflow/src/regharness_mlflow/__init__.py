"""Follow runs of regharness in MLflow. Importing this imports nothing of MLflow."""

from regharness_mlflow.observer import Observer

observer = Observer()
