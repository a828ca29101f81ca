from django.db import models


class CourseOverview(models.Model):
    id = models.CharField(max_length=255, primary_key=True)
    display_name = models.TextField(null=True)
